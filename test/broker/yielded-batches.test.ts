import { expect, test } from "vitest";
import { loadPackage } from "../../src/broker/optional-package.js";
import { YieldedBatches } from "../../src/broker/yielded-batches.js";
import { fakeClock } from "../../src/testing/index.js";
import { sinkEvents } from "../observer/events/flow-sink-contract.js";

async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  promise.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  return settled;
}

test("YieldedBatches: keeps values until the batch is acknowledged", () => {
  const batches = new YieldedBatches<string>();
  const [a, b] = [sinkEvents(1), sinkEvents(1)];
  batches.add(a, "a");
  batches.add(b, "b");
  expect([batches.size, batches.get(a), batches.get(b), batches.get([])]).toEqual([2, "a", "b", undefined]);
  batches.delete(a);
  expect([batches.size, batches.get(a)]).toEqual([1, undefined]);
});

test.each([
  ["the last batch is acknowledged", (batches: YieldedBatches<string>, last: []) => batches.delete(last)],
  ["the batches are cleared", (batches: YieldedBatches<string>) => batches.clear()],
])("YieldedBatches: ended resolves when %s", async (_, act) => {
  const batches = new YieldedBatches<string>();
  const clock = fakeClock();
  const last: [] = [];
  batches.add(last, "a");
  const ended = batches.ended(1000, clock);
  expect(await isSettled(ended)).toBe(false);
  act(batches, last);
  await ended;
  expect(clock.pending).toBe(0);
});

test("YieldedBatches: ended resolves at once without batches, and after the time with some", async () => {
  const clock = fakeClock();
  await new YieldedBatches<string>().ended(1000, clock);
  const batches = new YieldedBatches<string>();
  batches.add([], "a");
  const ended = batches.ended(1000, clock);
  clock.advance(1000);
  await ended;
  expect(clock.pending).toBe(0);
});

test.each([
  [
    "ERR_MODULE_NOT_FOUND",
    { code: "package_missing", message: /^this needs the package x, .*: npm install x$/ },
  ],
  ["MODULE_NOT_FOUND", { code: "package_missing", message: /npm install x$/ }],
  ["ERR_OTHER", { code: "ERR_OTHER", message: /^no$/ }],
])("loadPackage: an error %s", async (code, { message, ...expected }) => {
  const load = () => Promise.reject(Object.assign(new Error("no"), { code }));
  await expect(loadPackage("x", load)).rejects.toMatchObject({
    ...expected,
    message: expect.stringMatching(message),
  });
});

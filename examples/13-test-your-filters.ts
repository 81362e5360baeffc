// Tests of a program that watches for drops: its filter judged by flows made in a line each, and the whole of it run
// against a fake Hubble that loses its connection. With node:test here; any runner will do.
//
//   npx tsx examples/13-test-your-filters.ts
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transport } from "@connectrpc/connect";
import { compileFlowFilter } from "flowscribe/filter";
import { Verdict } from "flowscribe/proto";
import { observe } from "flowscribe/rpc";
import { fakeClock, fakeObserver, flow } from "flowscribe/testing";

// The program: who is kept from the DNS server.
const DROPPED_DNS = { verdict: [Verdict.DROPPED], destinationPort: ["53"], destinationPod: ["kube-system/"] };

async function firstVictims(transport: Transport, count: number, clock = fakeClock()): Promise<string[]> {
  const victims: string[] = [];
  for await (const { responseTypes } of observe(
    transport,
    { follow: true, number: 1n, whitelist: [DROPPED_DNS] },
    { reconnect: true, clock },
  )) {
    if (responseTypes.case === "flow") victims.push(responseTypes.value.source?.podName ?? "?");
    if (victims.length === count) break;
  }
  return victims;
}

// Its tests.
const matches = compileFlowFilter(DROPPED_DNS);
for (const { name, init, expected } of [
  { name: "a dropped DNS request", init: { verdict: "DROPPED" }, expected: true },
  { name: "one that was forwarded", init: { verdict: "FORWARDED" }, expected: false },
  { name: "another port", init: { verdict: "DROPPED", to: "kube-system/dns:80" }, expected: false },
  { name: "a server of another namespace", init: { verdict: "DROPPED", to: "shop/dns:53" }, expected: false },
] as const) {
  test(`${name} ${expected ? "matches" : "does not match"}`, () => {
    assert.equal(
      matches(flow({ from: "default/web", to: "kube-system/dns:53", protocol: "UDP", ...init })),
      expected,
    );
  });
}

test("a lost connection is made again, and nobody is missed", async () => {
  const clock = fakeClock();
  const observer = fakeObserver({ clock });
  const drop = (from: string) =>
    observer.push({ from, to: "kube-system/dns:53", protocol: "UDP", verdict: "DROPPED" });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  drop("default/a");
  const victims = firstVictims(observer.transport, 3, clock);
  while (observer.streams === 0) await turn();
  await turn();
  observer.disconnect();
  drop("default/b"); // While nobody listens.
  while (clock.pending === 0) await turn();
  clock.advance(500);
  while (observer.streams === 0) await turn();
  drop("default/c");
  assert.deepEqual(await victims, ["a", "b", "c"]);
});

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../src/errors/errors.js";
import { FlagError, type FlowSelection, MAX_LAST, selectFlows } from "../../src/observer/index.js";
import { type GetFlowsResponse, GetFlowsResponseSchema, Verdict } from "../../src/proto.js";

/** A response with a flow, identified by its uuid. */
function response(
  uuid: string,
  { seconds = 0, nanos = 0, verdict = Verdict.FORWARDED } = {},
): GetFlowsResponse {
  return create(GetFlowsResponseSchema, {
    responseTypes: { case: "flow", value: { uuid, verdict } },
    time: { seconds: BigInt(seconds), nanos },
  });
}

/** A source that records how many events were read, and whether it was closed. */
function source<T>(batches: readonly (readonly T[])[]) {
  const state = { read: 0, closed: false };
  async function* generate() {
    try {
      for (const batch of batches) {
        state.read++;
        yield batch;
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, batches: generate() };
}

function uuidOf({ responseTypes }: Pick<GetFlowsResponse, "responseTypes">): string {
  return responseTypes.case === "flow" ? responseTypes.value.uuid : (responseTypes.case ?? "nothing");
}

async function select(batches: readonly (readonly GetFlowsResponse[])[], selection: FlowSelection) {
  const selected: string[][] = [];
  const { state, batches: stream } = source(batches);
  for await (const batch of selectFlows(stream, selection)) selected.push(batch.map(uuidOf));
  expect(state.closed).toBe(true);
  return selected;
}

const LETTERS = [[..."abc"], [..."de"], [], [..."fghi"]].map((batch) => batch.map((uuid) => response(uuid)));

describe("selectFlows: number", () => {
  test.each<{ name: string; selection: FlowSelection; selected: string[] }>([
    { name: "all events without a number", selection: {}, selected: ["abc", "de", "fghi"] },
    { name: "all events for 0", selection: { number: 0n }, selected: ["abc", "de", "fghi"] },
    { name: "all events for --all", selection: { number: 2n ** 64n - 1n }, selected: ["abc", "de", "fghi"] },
    { name: "the first event", selection: { number: 1n, first: true }, selected: ["a"] },
    { name: "the first batch", selection: { number: 3n, first: true }, selected: ["abc"] },
    {
      name: "the first events of several batches",
      selection: { number: 4n, first: true },
      selected: ["abc", "d"],
    },
    {
      name: "all events for a large first number",
      selection: { number: 99n, first: true },
      selected: ["abc", "de", "fghi"],
    },
    { name: "the last event", selection: { number: 1n }, selected: ["i"] },
    { name: "the last events in order", selection: { number: 5n }, selected: ["efghi"] },
    {
      name: "all events for a large last number",
      selection: { number: 1_000_000n },
      selected: ["abcdefghi"],
    },
  ])("yields $name", async ({ selection, selected }) => {
    expect((await select(LETTERS, selection)).map((batch) => batch.join(""))).toEqual(selected);
  });

  test("stops reading after the first events", async () => {
    const { state, batches } = source(LETTERS);
    const selected = selectFlows(batches, { number: 4n, first: true });
    for await (const _ of selected);
    expect(state).toEqual({ read: 2, closed: true });
  });

  test("does not read ahead, and closes the source when the iteration ends early", async () => {
    const { state, batches } = source(LETTERS);
    const selected = selectFlows(batches, {});
    expect(state.read).toBe(0);
    await selected.next();
    expect(state).toEqual({ read: 1, closed: false });
    await selected.return();
    expect(state).toEqual({ read: 1, closed: true });
  });

  test("rejects more than a million last events before it reads", () => {
    const { state, batches } = source(LETTERS);
    const call = () => selectFlows(batches, { number: BigInt(MAX_LAST) + 1n });
    expect(call).toThrow(FlagError);
    expect(call).toThrow("--last must be <= 1_000_000, got 1000001");
    expect(() => selectFlows(batches, { number: 2_000_000n, first: true })).not.toThrow();
    expect(state.read).toBe(0);
  });

  test("rejects filters that do not compile before it reads", () => {
    const { batches } = source(LETTERS);
    expect(() => selectFlows(batches, { deny: [{ sourcePort: ["x"] }] })).toThrow(FilterError);
  });

  test("yields the same last events regardless of the batches", async () => {
    const lengths = fc.array(fc.nat(50), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        lengths,
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        async (all, number, first) => {
          let next = 0;
          const batches = all.map((length) => Array.from({ length }, () => response(String(next++))));
          const numbers = Array.from({ length: next }, (_, index) => String(index));
          const selected = (await select(batches, { number: BigInt(number), first })).flat();
          expect(selected).toEqual(first ? numbers.slice(0, number) : numbers.slice(-number));
        },
      ),
    );
  });

  test("yields many last events in chunks", async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => response(String(index)));
    const selected = await select([many], { number: 3_000n });
    expect(selected.map((batch) => batch.length)).toEqual([1024, 1024, 952]);
    expect(selected.flat()).toEqual(many.slice(-3_000).map(uuidOf));
  });

  test("propagates an error of the source", async () => {
    async function* failing() {
      yield LETTERS[0]!;
      throw new Error("broken");
    }
    for (const selection of [{}, { number: 5n }, { number: 5n, first: true }]) {
      await expect(async () => {
        for await (const _ of selectFlows(failing(), selection));
      }).rejects.toThrow("broken");
    }
  });
});

describe("selectFlows: time", () => {
  const times = [
    response("none"),
    response("a", { seconds: 10 }),
    response("b", { seconds: 10, nanos: 1 }),
    response("c", { seconds: 20 }),
    response("old", { seconds: -1, nanos: 5 }),
  ];
  times[0]!.time = undefined;
  const at = (seconds: number, nanos = 0) => response("", { seconds, nanos }).time!;

  test.each<{ name: string; selection: FlowSelection; selected: string[] }>([
    { name: "events from since, inclusive", selection: { since: at(10, 1) }, selected: ["b", "c"] },
    { name: "events up to until, inclusive", selection: { until: at(10) }, selected: ["none", "a", "old"] },
    {
      name: "events between since and until",
      selection: { since: at(10), until: at(10, 1) },
      selected: ["a", "b"],
    },
    { name: "no events if since is after until", selection: { since: at(20), until: at(10) }, selected: [] },
    {
      name: "events without a time as of 1970",
      selection: { since: at(0), until: at(0) },
      selected: ["none"],
    },
    {
      name: "events counted after the time filter",
      selection: { until: at(10, 1), number: 2n },
      selected: ["b", "old"],
    },
  ])("yields $name", async ({ selection, selected }) => {
    expect((await select([times], selection)).flat()).toEqual(selected);
  });
});

describe("selectFlows: filters", () => {
  const batches = [
    [
      response("a"),
      response("b", { verdict: Verdict.DROPPED }),
      create(GetFlowsResponseSchema, { responseTypes: { case: "nodeStatus", value: {} } }),
      create(GetFlowsResponseSchema, { responseTypes: { case: "lostEvents", value: {} } }),
      create(GetFlowsResponseSchema),
    ],
  ];
  const OTHERS = ["nodeStatus", "lostEvents", "nothing"];

  test.each<{ name: string; selection: FlowSelection; selected: string[] }>([
    {
      name: "flows that match allow",
      selection: { allow: [{ verdict: [Verdict.DROPPED] }] },
      selected: ["b"],
    },
    {
      name: "events that do not match deny",
      selection: { deny: [{ verdict: [Verdict.DROPPED] }] },
      selected: ["a", ...OTHERS],
    },
    {
      name: "no lost events with allow",
      selection: { allow: [{ eventType: [{ type: 1 }] }] },
      selected: [],
    },
    {
      name: "all events for an empty allow filter",
      selection: { allow: [{}] },
      selected: ["a", "b", ...OTHERS],
    },
    { name: "no events for an empty deny filter", selection: { deny: [{}] }, selected: [] },
    {
      name: "the number of events after filtering",
      selection: { allow: [{ verdict: [Verdict.DROPPED] }], number: 1n, first: true },
      selected: ["b"],
    },
  ])("yields $name", async ({ selection, selected }) => {
    expect((await select(batches, selection)).flat()).toEqual(selected);
  });

  test("accepts items with additional properties", async () => {
    const { batches: stream } = source([batches[0]!.map((one, line) => ({ ...one, line }))]);
    const lines: number[] = [];
    for await (const batch of selectFlows(stream, { allow: [{ verdict: [Verdict.DROPPED] }] })) {
      lines.push(...batch.map(({ line }) => line));
    }
    expect(lines).toEqual([1]);
  });
});

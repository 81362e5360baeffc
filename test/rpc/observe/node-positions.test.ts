import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EncodedEvent } from "../../../src/observer/index.js";
import { NodePositions } from "../../../src/rpc/observe/node-positions.js";

const SECOND = 1_000_000_000n;

/** Only what identifies a flow. */
function event(time: bigint, uuid: string, node = "one"): EncodedEvent {
  return { bytes: new Uint8Array(0), kind: "flow", uuid, time, node };
}

function restored(positions: NodePositions): NodePositions {
  const copy = new NodePositions(Number.MAX_SAFE_INTEGER);
  copy.load(JSON.parse(JSON.stringify(positions.toJson())));
  return copy;
}

describe("NodePositions", () => {
  test("more flows in two seconds than UUIDs are kept: the oldest may be repeated, the others are known", () => {
    const positions = new NodePositions(Number.MAX_SAFE_INTEGER);
    const count = 70_000;
    for (let index = 0; index < count; index++)
      positions.add(event(10n * SECOND + BigInt(index), `${index}`));
    const copy = restored(positions);
    const unknown = Array.from({ length: count }, (_, index) => index).filter(
      (index) => !copy.has(event(10n * SECOND + BigInt(index), `${index}`)),
    );
    expect(unknown).toEqual(Array.from({ length: count - 65_536 }, (_, index) => index));
    expect(copy.has(event(10n * SECOND, "new"))).toBe(false);
  });

  test("knows every flow that was added, and none that was not, within two seconds of the latest of its node", () => {
    const flow = fc.record({
      time: fc.bigInt({ min: 1n, max: 6n * SECOND }),
      node: fc.constantFrom("a", "b", "__proto__", ""),
    });
    fc.assert(
      fc.property(fc.array(flow, { maxLength: 40 }), fc.array(flow, { maxLength: 20 }), (added, others) => {
        const positions = new NodePositions(Number.MAX_SAFE_INTEGER);
        const latest = new Map<string, bigint>();
        for (const [index, { time, node }] of added.entries()) {
          positions.add(event(time, `${index}`, node));
          const before = latest.get(node);
          if (before === undefined || time > before) latest.set(node, time);
        }
        const copy = restored(positions);
        for (const [index, { time, node }] of added.entries()) {
          expect(copy.has(event(time, `${index}`, node))).toBe(true);
        }
        for (const [index, { time, node }] of others.entries()) {
          const last = latest.get(node);
          const isOld = last !== undefined && time < last - 2n * SECOND;
          expect(copy.has(event(time, `other ${index}`, node))).toBe(isOld);
        }
        const earliest = [...latest.values()].reduce<bigint | undefined>(
          (a, b) => (a === undefined || b < a ? b : a),
          undefined,
        );
        expect(copy.since).toBe(earliest === undefined ? undefined : earliest - 2n * SECOND);
      }),
      { numRuns: 100 },
    );
  });

  test("does not remember events without a time, and events that are not flows", () => {
    const positions = new NodePositions(1000);
    positions.add({ ...event(1n, "1"), time: undefined });
    positions.add({ ...event(1n, "2"), kind: "lost_events" });
    expect(positions.toJson()).toEqual({ nodes: {} });
    expect(positions.since).toBeUndefined();
  });
});

import { expect, test } from "vitest";
import { createBatch, createFlowDecoder } from "../../src/packet/index.js";

function batchOf(linkType: number, packets: number) {
  const format = { linkType, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
  return createBatch(
    format,
    Array.from({ length: packets }, () => ({ bytes: new Uint8Array(60) })),
  );
}

test("createFlowDecoder: counts packets of unsupported link types by link type", () => {
  const decoder = createFlowDecoder();
  for (const [linkType, packets] of [
    [147, 2],
    [1, 3],
    [8, 1],
    [147, 4],
    [101, 1],
  ] as const) {
    expect([...decoder.decode(batchOf(linkType, packets))]).toHaveLength(packets);
  }
  expect(decoder.decodeAt(batchOf(8, 2), 1)).toBeDefined();
  expect([...decoder.stats.unsupportedLinkTypes]).toEqual([
    [147, 6],
    [8, 2],
  ]);
});

test("createFlowDecoder: with strict, packets of other link types are errors and not counted", () => {
  const decoder = createFlowDecoder({ strict: true });
  expect([...decoder.decode(batchOf(147, 2))]).toEqual([]);
  expect(decoder.stats.errors).toBe(2);
  expect(decoder.stats.unsupportedLinkTypes.size).toBe(0);
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { isUint8Array } from "../../src/bytes/is-uint8-array.js";
import { isDate } from "../../src/errors/value-checks.js";
import { createBatch, formatIpv4 } from "../../src/index.js";
import { decodeExport } from "../../src/observer/index.js";
import { decodeCapture } from "../../src/pcap/index.js";
import { decodeFlow } from "../../src/proto.js";
import { repository } from "../support/run.js";

/** The bytes as an array of another realm, as programs have them in a context of node:vm: Jest runs tests in one. */
function foreign(bytes: Uint8Array): Uint8Array {
  const copy: Uint8Array = runInNewContext(`new Uint8Array(${bytes.length})`);
  copy.set(bytes);
  expect(copy).not.toBeInstanceOf(Uint8Array);
  return copy;
}

describe("isUint8Array", () => {
  test.each([
    { name: "a Uint8Array", value: new Uint8Array(1), is: true },
    { name: "a Buffer", value: Buffer.alloc(1), is: true },
    { name: "one of another realm", value: foreign(new Uint8Array(1)), is: true },
    { name: "another view", value: new Uint16Array(1), is: false },
    { name: "another view of another realm", value: runInNewContext("new Uint8ClampedArray(1)"), is: false },
    { name: "a DataView", value: new DataView(new ArrayBuffer(1)), is: false },
    { name: "an ArrayBuffer", value: new ArrayBuffer(1), is: false },
    { name: "an object that says so", value: { [Symbol.toStringTag]: "Uint8Array" }, is: false },
    { name: "null", value: null, is: false },
  ])("$name: $is", ({ value, is }) => {
    expect(isUint8Array(value)).toBe(is);
  });
});

test("isDate: a Date of another realm", () => {
  expect(isDate(runInNewContext("new Date(0)"))).toBe(true);
  expect(isDate({})).toBe(false);
});

describe("bytes of another realm are accepted by", () => {
  const capture = readFileSync(join(repository, "examples/captures/sample.pcap"));
  const line = Buffer.from('{"flow":{"uuid":"a"}}\n');

  test.each([
    { name: "decodeCapture", input: () => foreign(capture) },
    {
      name: "decodeCapture, in chunks",
      input: () => [foreign(capture.subarray(0, 9)), foreign(capture.subarray(9))],
    },
  ])("$name", async ({ input }) => {
    let packets = 0;
    for await (const batch of await decodeCapture(input())) packets += batch.length;
    expect(packets).toBe(527);
  });

  test.each([
    { name: "decodeExport", input: () => foreign(line) },
    {
      name: "decodeExport, in chunks",
      input: () => [foreign(line.subarray(0, 3)), foreign(line.subarray(3))],
    },
  ])("$name", async ({ input }) => {
    const uuids: unknown[] = [];
    for await (const { responseTypes } of decodeExport(input()))
      uuids.push((responseTypes.value as { uuid?: string }).uuid);
    expect(uuids).toEqual(["a"]);
  });

  test("createBatch, formatIpv4 and decodeFlow", () => {
    const format = { linkType: 1, resolution: "us", snapLength: 100, interfaceId: 0 } as const;
    const batch = createBatch(format, [{ bytes: foreign(line), seconds: 1, nanoseconds: 0 }]);
    expect(batch.length).toBe(1);
    expect(formatIpv4(foreign(Uint8Array.of(10, 0, 0, 1)), 0)).toBe("10.0.0.1");
    expect(decodeFlow(foreign(new Uint8Array(0)))).toMatchObject({ uuid: "" });
  });
});

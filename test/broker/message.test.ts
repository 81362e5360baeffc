import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { headerValue, MAX_HEADER_VALUE_BYTES, readMessage } from "../../src/broker/message.js";
import { sinkEvent } from "../observer/events/flow-sink-contract.js";

describe("headerValue", () => {
  test.each([
    ["kind/node-1", "kind/node-1"],
    ["a b", "a b"],
    ["x".repeat(MAX_HEADER_VALUE_BYTES), "x".repeat(MAX_HEADER_VALUE_BYTES)],
    ["x".repeat(MAX_HEADER_VALUE_BYTES + 1), undefined],
    ["", undefined],
    [" a", undefined],
    ["a ", undefined],
    ["a\r\nb: c", undefined],
    ["a\0", undefined],
    ["\u00e9", undefined],
  ])("%j: %j", (text, expected) => {
    expect(headerValue(text)).toBe(expected);
  });

  test("every value is one line of printable ASCII", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const value = headerValue(text);
        expect(value === undefined || (value === text && /^[ -~]+$/.test(value))).toBe(true);
      }),
    );
  });
});

describe("readMessage", () => {
  const { bytes, ...rest } = sinkEvent("u-1");

  test.each([undefined, "", "1"])("reads the event of version %j", (version) => {
    expect(readMessage(bytes, version)).toEqual({ event: { ...rest, bytes } });
  });

  test("the bytes of a Buffer are those of a plain Uint8Array with the same memory", () => {
    const buffer = Buffer.from(bytes);
    const { event } = readMessage(buffer, "1");
    expect(Object.getPrototypeOf(event?.bytes)).toBe(Uint8Array.prototype);
    expect(event?.bytes.buffer).toBe(buffer.buffer);
    expect(event?.bytes).toEqual(new Uint8Array(bytes));
  });

  test.each([
    ["another version", bytes, "2", 'the message has version "2"; this package reads version 1'],
    ["an empty message", new Uint8Array(), "1", "the message is empty"],
    ["damage", Uint8Array.of(0x0a, 5), "1", /observer\.GetFlowsResponse|observer\.ExportEvent/],
  ])("reports %s", (_, body, version, fault) => {
    expect(readMessage(body, version)).toEqual({
      fault: typeof fault === "string" ? fault : expect.stringMatching(fault),
    });
  });
});

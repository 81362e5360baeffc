import { create, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import { FilterSchema, type Protocol } from "../../../src/gen/recorder/recorder_pb.js";
import { parsePacketFilters } from "../../../src/packet/filter/check.js";
import { checkPacketFilter, compilePacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { runs } from "../../support/amount.js";
import { anyFilter } from "../arbitrary.js";
import { ANY_V4 } from "./matches.js";

describe("compilePacketFilter: invalid filters", () => {
  const good = { ...ANY_V4 };
  test.each<{
    name: string;
    include: readonly PacketFilterInit[];
    issues: readonly (readonly [string, string])[];
  }>([
    { name: "no filter", include: [], issues: [["include", "need to specify at least one include filter"]] },
    {
      name: "no CIDR",
      include: [{}],
      issues: [
        ["include[0].source_cidr", 'failed to parse source cidr "": invalid CIDR address: '],
        ["include[0].destination_cidr", 'failed to parse destination cidr "": invalid CIDR address: '],
      ],
    },
    {
      name: "an address without a length",
      include: [good, { ...good, sourceCidr: "10.0.0.1" }],
      issues: [
        ["include[1].source_cidr", 'failed to parse source cidr "10.0.0.1": invalid CIDR address: 10.0.0.1'],
      ],
    },
    {
      name: "a length of 33",
      include: [{ ...good, destinationCidr: "10.0.0.0/33" }],
      issues: [
        [
          "include[0].destination_cidr",
          'failed to parse destination cidr "10.0.0.0/33": invalid CIDR address: 10.0.0.0/33',
        ],
      ],
    },
    {
      name: "quoted as Go quotes",
      include: [{ ...good, sourceCidr: 'a"\n' }],
      issues: [
        ["include[0].source_cidr", 'failed to parse source cidr "a\\"\\n": invalid CIDR address: a"\n'],
      ],
    },
    {
      name: "two families",
      include: [{ sourceCidr: "10.0.0.0/8", destinationCidr: "::/0" }],
      issues: [
        ["include[0]", "source (10.0.0.0/8) and destination cidr (::/0) must be same protocol version"],
      ],
    },
    {
      name: "a mapped prefix counts as IPv4",
      include: [{ sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: "fe80::/10" }],
      issues: [
        [
          "include[0]",
          "source (::ffff:10.0.0.0/104) and destination cidr (fe80::/10) must be same protocol version",
        ],
      ],
    },
    {
      name: "a mapped prefix shorter than 96 bits",
      include: [{ sourceCidr: "::ffff:10.0.0.0/95", destinationCidr: "::/0" }],
      issues: [
        [
          "include[0].source_cidr",
          'source cidr "::ffff:10.0.0.0/95": an IPv4-mapped prefix must be at least 96 bits long',
        ],
      ],
    },
    {
      name: "a mapped destination of no bits",
      include: [{ sourceCidr: "::/0", destinationCidr: "::ffff:0:0/0" }],
      issues: [
        [
          "include[0].destination_cidr",
          'destination cidr "::ffff:0:0/0": an IPv4-mapped prefix must be at least 96 bits long',
        ],
      ],
    },
    {
      name: "ports above 65535",
      include: [{ ...good, sourcePort: 65_536, destinationPort: 4_294_967_295 }],
      issues: [
        ["include[0].source_port", "source port 65536 out of range"],
        ["include[0].destination_port", "destination port 4294967295 out of range"],
      ],
    },
    {
      name: "numbers that are not integers, before those out of range",
      include: [{ ...good, sourcePort: -1, destinationPort: 1.5, protocol: Number.NaN as 0 }],
      issues: [
        ["include[0].destination_port", "must be an integer, not 1.5"],
        ["include[0].protocol", "must be an integer, not NaN"],
        ["include[0].source_port", "source port -1 out of range"],
      ],
    },
    {
      name: "a protocol above 255, which upstream would cut to TCP",
      include: [{ ...good, protocol: 256 + 6 }],
      issues: [["include[0].protocol", "protocol 262 out of range"]],
    },
    {
      name: "everything at once, in order",
      include: [
        {
          sourceCidr: "x",
          destinationCidr: "y/1",
          sourcePort: 70_000,
          destinationPort: 70_001,
          protocol: 256,
        },
        good,
        { sourceCidr: "::/0", destinationCidr: "0.0.0.0/0", destinationPort: 70_002 },
      ],
      issues: [
        ["include[0].source_cidr", 'failed to parse source cidr "x": invalid CIDR address: x'],
        ["include[0].destination_cidr", 'failed to parse destination cidr "y/1": invalid CIDR address: y/1'],
        ["include[0].source_port", "source port 70000 out of range"],
        ["include[0].destination_port", "destination port 70001 out of range"],
        ["include[0].protocol", "protocol 256 out of range"],
        ["include[2]", "source (::/0) and destination cidr (0.0.0.0/0) must be same protocol version"],
        ["include[2].destination_port", "destination port 70002 out of range"],
      ],
    },
  ])("$name", ({ include, issues }) => {
    const expected = issues.map(([path, message]) => ({ path, message }));
    expect(checkPacketFilter(include)).toEqual(expected);
    let thrown: unknown;
    try {
      compilePacketFilter(include);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FilterError);
    expect(thrown).toMatchObject({
      code: "invalid_filter",
      issues: expected,
      message: issues.map(([path, message]) => `${path}: ${message}`).join("\n"),
    });
  });

  test("accepts protobuf JSON as the same filter as the message", () => {
    const anyProtocol = fc.constantFrom(0, 6, 17, 132, 1);
    fc.assert(
      fc.property(anyFilter(), anyProtocol, (filter, protocol) => {
        // The cast is true: enums of proto3 are open, so 1 (ICMP) is a value, too.
        const message = create(FilterSchema, { ...filter, protocol: protocol as Protocol });
        const forms = [
          toJson(FilterSchema, message),
          toJson(FilterSchema, message, { useProtoFieldName: true }),
          { ...filter, protocol, sourcePort: String(filter.sourcePort ?? 0) },
        ].map((form) => JSON.parse(JSON.stringify(form)));
        const parsed = parsePacketFilters([message]);
        for (const form of forms) expect(parsePacketFilters([form])).toEqual(parsed);
      }),
      { numRuns: runs(200) },
    );
  });

  const UNKNOWN = "is not a field of Filter";
  const KNOWN = "known are sourceCidr, sourcePort, destinationCidr, destinationPort, protocol";

  test.each<{ name: string; include: unknown; issues: readonly [path: string, message: string][] }>([
    { name: "not a list", include: { ...good }, issues: [["include", "must be a list, not an object"]] },
    { name: "undefined", include: undefined, issues: [["include", "must be a list, not undefined"]] },
    {
      name: "unknown fields",
      include: [good, { ...good, destPort: 5001, source_prt: undefined, ["__proto__"]: 1 }],
      issues: [
        ["include[1].destPort", `${UNKNOWN}; did you mean destinationPort?`],
        ["include[1].source_prt", `${UNKNOWN}; did you mean source_port?`],
        [
          "include[1].__proto__",
          `${UNKNOWN}; ${KNOWN.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
        ],
      ],
    },
    {
      name: "numbers of another type",
      include: [{ ...good, sourcePort: 1.5, destinationPort: "http", protocol: "UDP" }],
      issues: [
        ["include[0].source_port", "must be an integer, not 1.5"],
        ["include[0].destination_port", 'must be an integer, not "http"'],
        ["include[0].protocol", 'is not a value of Protocol: "UDP"; did you mean PROTOCOL_UDP?'],
      ],
    },
    {
      name: "strings of another type",
      include: [{ sourceCidr: 10, destinationCidr: ["0.0.0.0/0"], protocol: [] }],
      issues: [
        ["include[0].source_cidr", "must be a string, not 10"],
        ["include[0].destination_cidr", "must be a string, not a list"],
        ["include[0].protocol", "must be an integer, not a list"],
      ],
    },
    {
      name: "values that are not filters, and a hole",
      // biome-ignore lint/suspicious/noSparseArray: a hole is an element, too
      include: [null, "tcp", [good], , () => {}],
      issues: [
        ["include[0]", `must be a Filter, not null`],
        ["include[1]", `must be a Filter, not "tcp"`],
        ["include[2]", `must be a Filter, not a list`],
        ["include[3]", `must be a Filter, not undefined`],
        ["include[4]", `must be a Filter, not a function`],
      ],
    },
    {
      name: "a long string of the wrong type, quoted in part",
      include: ["x".repeat(1000)],
      issues: [["include[0]", `must be a Filter, not "${"x".repeat(100)}…"`]],
    },
  ])("reports values of the wrong type: $name", ({ include, issues }) => {
    const expected = issues.map(([path, message]) => ({ path, message }));
    expect(checkPacketFilter(include as PacketFilterInit[])).toEqual(expected);
    expect(() => compilePacketFilter(include as PacketFilterInit[])).toThrow(FilterError);
  });

  test("accepts every field of the message, and unknown fields in a message", () => {
    const known = new Set(FilterSchema.fields.map(({ localName }) => localName));
    const message = create(FilterSchema, { ...good, sourcePort: 1, destinationPort: 2, protocol: 6 });
    message.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
    expect(new Set(Object.keys(message).filter((name) => !name.startsWith("$")))).toEqual(known);
    expect(checkPacketFilter([message])).toEqual([]);
  });

  test.each([
    { name: "the highest ports", filter: { ...good, sourcePort: 65_535, destinationPort: 65_535 } },
    { name: "the highest protocol", filter: { ...good, protocol: 255 } },
    { name: "host bits", filter: { sourceCidr: "10.1.2.3/8", destinationCidr: "1.2.3.4/0" } },
    { name: "a mapped prefix of 96 bits beside IPv4", filter: { ...good, sourceCidr: "::ffff:0:0/96" } },
  ])("accepts $name", ({ filter }) => {
    expect(checkPacketFilter([filter])).toEqual([]);
  });
});

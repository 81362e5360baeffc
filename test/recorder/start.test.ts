import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ConfigurationError, type Issue } from "../../src/errors.js";
import { fromBatches } from "../../src/packet/index.js";
import { StartRecordingSchema } from "../../src/proto.js";
import { checkStartRecording, record, type StartRecordingInit } from "../../src/recorder/index.js";
import { planRecording } from "../../src/recorder/start.js";
import { ETHERNET } from "./packets.js";

const ALL = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };

function prefixed(filePrefix: string): StartRecordingInit {
  return { filesink: { filePrefix }, include: [ALL] };
}

describe("the faults of a request, in upstream's words", () => {
  test.each<{ name: string; start: StartRecordingInit; issues: readonly Issue[] }>([
    { name: "none", start: { include: [ALL] }, issues: [] },
    {
      name: "a prefix with a capital",
      start: prefixed("Hubble"),
      issues: [{ path: "filesink.file_prefix", message: 'invalid file sink prefix: "Hubble"' }],
    },
    {
      name: "a prefix is quoted as Go does",
      start: prefixed('a"\n\x01/'),
      issues: [{ path: "filesink.file_prefix", message: 'invalid file sink prefix: "a\\"\\n\\x01/"' }],
    },
    {
      name: "no filter",
      start: {},
      issues: [{ path: "include", message: "need to specify at least one include filter" }],
    },
    {
      name: "an empty list of filters",
      start: { include: [] },
      issues: [{ path: "include", message: "need to specify at least one include filter" }],
    },
    {
      name: "no source CIDR",
      start: { include: [{ destinationCidr: "0.0.0.0/0" }] },
      issues: [
        {
          path: "include[0].source_cidr",
          message: 'failed to parse source cidr "": invalid CIDR address: ',
        },
      ],
    },
    {
      name: "a source that is an address",
      start: { include: [{ ...ALL, sourceCidr: "10.0.0.1" }] },
      issues: [
        {
          path: "include[0].source_cidr",
          message: 'failed to parse source cidr "10.0.0.1": invalid CIDR address: 10.0.0.1',
        },
      ],
    },
    {
      name: "a bad destination CIDR, which is not called source",
      start: { include: [{ ...ALL, destinationCidr: "10.0.0.0/33" }] },
      issues: [
        {
          path: "include[0].destination_cidr",
          message: 'failed to parse destination cidr "10.0.0.0/33": invalid CIDR address: 10.0.0.0/33',
        },
      ],
    },
    {
      name: "families mixed",
      start: { include: [{ sourceCidr: "10.0.0.0/8", destinationCidr: "fd00::/8" }] },
      issues: [
        {
          path: "include[0]",
          message: "source (10.0.0.0/8) and destination cidr (fd00::/8) must be same protocol version",
        },
      ],
    },
    {
      name: "IPv4-mapped counts as IPv4",
      start: { include: [{ sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: "10.0.0.0/8" }] },
      issues: [],
    },
    {
      name: "the largest ports",
      start: { include: [{ ...ALL, sourcePort: 65_535, destinationPort: 65_535 }] },
      issues: [],
    },
    {
      name: "a source port out of range",
      start: { include: [{ ...ALL, sourcePort: 65_536 }] },
      issues: [{ path: "include[0].source_port", message: "source port 65536 out of range" }],
    },
    {
      name: "a destination port out of range",
      start: { include: [ALL, { ...ALL, destinationPort: 70_000 }] },
      issues: [{ path: "include[1].destination_port", message: "destination port 70000 out of range" }],
    },
    {
      name: "a protocol of more than eight bits",
      start: { include: [{ ...ALL, protocol: 256 }] },
      issues: [{ path: "include[0].protocol", message: "protocol 256 out of range" }],
    },
    {
      name: "the largest capture length",
      start: { include: [ALL], maxCaptureLength: 262_144 },
      issues: [],
    },
    ...[262_145, 2 ** 32 - 1, -1, 1.5, Number.NaN].map((maxCaptureLength) => ({
      name: `a capture length of ${maxCaptureLength}`,
      start: { include: [ALL], maxCaptureLength },
      issues: [
        {
          path: "max_capture_length",
          message: `max capture length ${maxCaptureLength} out of range (at most 262144, 0 for all)`,
        },
      ],
    })),
    {
      name: "all at once, in upstream's order",
      start: {
        filesink: { filePrefix: "9" },
        include: [
          { sourceCidr: "x", sourcePort: 65_536, destinationCidr: "y", destinationPort: 65_537 },
          ALL,
          { sourceCidr: "::/0", destinationCidr: "0.0.0.0/0" },
        ],
        maxCaptureLength: 300_000,
      },
      issues: [
        { path: "filesink.file_prefix", message: 'invalid file sink prefix: "9"' },
        {
          path: "include[0].source_cidr",
          message: 'failed to parse source cidr "x": invalid CIDR address: x',
        },
        {
          path: "include[0].destination_cidr",
          message: 'failed to parse destination cidr "y": invalid CIDR address: y',
        },
        { path: "include[0].source_port", message: "source port 65536 out of range" },
        { path: "include[0].destination_port", message: "destination port 65537 out of range" },
        {
          path: "include[2]",
          message: "source (::/0) and destination cidr (0.0.0.0/0) must be same protocol version",
        },
        {
          path: "max_capture_length",
          message: "max capture length 300000 out of range (at most 262144, 0 for all)",
        },
      ],
    },
    {
      name: "a message is taken as well",
      start: create(StartRecordingSchema, { filesink: { filePrefix: "-" }, include: [ALL] }),
      issues: [{ path: "filesink.file_prefix", message: 'invalid file sink prefix: "-"' }],
    },
  ])("$name", ({ start, issues }) => {
    expect(checkStartRecording(start)).toEqual(issues);
  });
});

describe("prefixes", () => {
  test.each([
    { prefix: "", valid: true },
    { prefix: "a", valid: true },
    { prefix: "hubble", valid: true },
    { prefix: "a0123456789012345678", valid: true },
    { prefix: "a01234567890123456789", valid: false },
    { prefix: "z9", valid: true },
    { prefix: "9z", valid: false },
    { prefix: "a-b", valid: false },
    { prefix: "a_b", valid: false },
    { prefix: "a.b", valid: false },
    { prefix: "../a", valid: false },
    { prefix: "aB", valid: false },
    { prefix: " a", valid: false },
    { prefix: "a\n", valid: false },
    { prefix: "é", valid: false },
    { prefix: "a\u0131", valid: false },
  ])("$prefix: $valid", ({ prefix, valid }) => {
    expect(checkStartRecording(prefixed(prefix)).length === 0).toBe(valid);
  });

  test("a prefix is valid when every character is", () => {
    const unit = fc.constantFrom(..."az09AZ_-./ \n");
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 24 }), (prefix) => {
        const letters = [...prefix];
        const valid =
          letters.length <= 20 &&
          "abcdefghijklmnopqrstuvwxyz".includes(letters[0]!) &&
          letters.every((letter) => "abcdefghijklmnopqrstuvwxyz0123456789".includes(letter));
        expect(checkStartRecording(prefixed(prefix)).length === 0).toBe(valid);
      }),
    );
  });
});

describe("a plan", () => {
  test.each([
    { name: "no file sink", start: { include: [ALL] }, prefix: "hubble" },
    { name: "an empty prefix", start: prefixed(""), prefix: "hubble" },
    { name: "a prefix", start: prefixed("mine"), prefix: "mine" },
  ])("names the file: $name", ({ start, prefix }) => {
    expect(planRecording(start).filePrefix).toBe(prefix);
  });

  test("fills in what is absent", () => {
    expect(planRecording({ include: [ALL] })).toMatchObject({ maxCaptureLength: 0, stopCondition: {} });
  });

  test("keeps what is given", () => {
    const stopCondition = { packetsCapturedCount: 3n };
    expect(planRecording({ include: [ALL], maxCaptureLength: 96, stopCondition })).toMatchObject({
      maxCaptureLength: 96,
      stopCondition,
    });
  });
});

test("record() throws every fault before anything is opened or read", () => {
  const source = fromBatches([], ETHERNET);
  const sink = vi.fn();
  let thrown: unknown;
  try {
    record(source, { filesink: { filePrefix: "A" }, maxCaptureLength: 262_145 }, { sink });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigurationError);
  expect(thrown).toMatchObject({
    name: "ConfigurationError",
    code: "invalid_recording",
    issues: [{ path: "filesink.file_prefix" }, { path: "include" }, { path: "max_capture_length" }],
    message:
      'filesink.file_prefix: invalid file sink prefix: "A"\n' +
      "include: need to specify at least one include filter\n" +
      "max_capture_length: max capture length 262145 out of range (at most 262144, 0 for all)",
  });
  expect(sink).not.toHaveBeenCalled();
});

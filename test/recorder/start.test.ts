import { create, toJson } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ConfigurationError, type Issue, OptionsError } from "../../src/errors/errors.js";
import {
  FileSinkConfigurationSchema,
  StartRecordingSchema,
  StopConditionSchema,
} from "../../src/gen/recorder/recorder_pb.js";
import { fromBatches } from "../../src/packet/index.js";
import {
  checkStartRecording,
  type RecordOptions,
  record,
  type StartRecordingInit,
} from "../../src/recorder/index.js";
import { planRecording } from "../../src/recorder/start.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { batchOf, ETHERNET } from "./packets.js";

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
    ...[262_145, 2 ** 32 - 1, -1].map((maxCaptureLength) => ({
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
      name: "accepts a message",
      start: create(StartRecordingSchema, { filesink: { filePrefix: "-" }, include: [ALL] }),
      issues: [{ path: "filesink.file_prefix", message: 'invalid file sink prefix: "-"' }],
    },
  ])("$name", ({ start, issues }) => {
    expect(checkStartRecording(start)).toEqual(issues);
  });
});

describe("planRecording: protobuf JSON", () => {
  const include = [
    { sourceCidr: "10.0.0.0/8", destinationCidr: "0.0.0.0/0", destinationPort: 443, protocol: 6 },
  ];
  const wanted = {
    filePrefix: "web",
    maxCaptureLength: 96,
    stopCondition: {
      bytesCapturedCount: 2n ** 63n,
      packetsCapturedCount: 5n,
      timeElapsed: { seconds: 1n, nanos: 500_000_000 },
    },
  };

  test.each<{ form: string; start: unknown }>([
    {
      form: "lowerCamelCase",
      start: {
        filesink: { filePrefix: "web" },
        include: [{ ...include[0], destinationPort: "443", protocol: "PROTOCOL_TCP" }],
        maxCaptureLength: "96",
        stopCondition: {
          bytesCapturedCount: "9223372036854775808",
          packetsCapturedCount: 5,
          timeElapsed: "1.5s",
        },
      },
    },
    {
      form: "the names of the proto file",
      start: {
        filesink: { file_prefix: "web" },
        include: [
          {
            source_cidr: "10.0.0.0/8",
            destination_cidr: "0.0.0.0/0",
            source_port: null,
            destination_port: 443,
            protocol: "PROTOCOL_TCP",
          },
        ],
        max_capture_length: 96,
        stop_condition: {
          bytes_captured_count: "9223372036854775808",
          packets_captured_count: "5",
          time_elapsed: "1.500s",
        },
      },
    },
  ])("accepts $form", ({ start }) => {
    expect(planRecording(start as StartRecordingInit)).toMatchObject(wanted);
  });

  test("gives the same issues as the message", () => {
    fc.assert(
      fc.property(arbitraryMessage(StartRecordingSchema), (message) => {
        const forms = [
          toJson(StartRecordingSchema, message),
          toJson(StartRecordingSchema, message, { useProtoFieldName: true }),
        ];
        const issues = checkStartRecording(message);
        for (const form of forms) {
          expect(checkStartRecording(JSON.parse(JSON.stringify(form)))).toEqual(issues);
        }
      }),
    );
  });
});

describe("checkStartRecording: untyped callers", () => {
  const DURATION = 'a duration in seconds, such as "1.5s"';

  test.each<{ name: string; start: unknown; issues: readonly [path: string, message: string][] }>([
    { name: "nothing", start: undefined, issues: [["", "must be a StartRecording, not undefined"]] },
    { name: "null", start: null, issues: [["", "must be a StartRecording, not null"]] },
    {
      name: "unknown fields, in the order of the object",
      start: {
        maxCaptureLen: 96,
        filesink: { prefix: "a" },
        include: [{ ...ALL, destPort: 5001 }],
        stopCondition: { time: { seconds: 1n }, packetsCount: 5n, timeElapsed: { milliseconds: 5 } },
      },
      issues: [
        ["maxCaptureLen", "is not a field of StartRecording; did you mean maxCaptureLength?"],
        ["filesink.prefix", "is not a field of FileSinkConfiguration; known are filePrefix"],
        ["include[0].destPort", "is not a field of Filter; did you mean destinationPort?"],
        ["stop_condition.time", "is not a field of StopCondition; did you mean timeElapsed?"],
        [
          "stop_condition.packetsCount",
          "is not a field of StopCondition; did you mean packetsCapturedCount?",
        ],
        ["stop_condition.time_elapsed.milliseconds", "is not a field of Duration; known are seconds, nanos"],
      ],
    },
    {
      name: "values that are not messages",
      start: { filesink: "x", include: { ...ALL }, stopCondition: [] },
      issues: [
        ["filesink", 'must be a FileSinkConfiguration, not "x"'],
        ["include", "must be a list, not an object"],
        ["stop_condition", "must be a StopCondition, not a list"],
      ],
    },
    {
      name: "values of another type",
      start: {
        filesink: { filePrefix: 5 },
        include: [ALL],
        maxCaptureLength: "96 bytes",
        stopCondition: { bytesCapturedCount: "5k", packetsCapturedCount: 1.5, timeElapsed: "1m" },
      },
      issues: [
        ["filesink.file_prefix", "must be a string, not 5"],
        ["max_capture_length", 'must be an integer, not "96 bytes"'],
        ["stop_condition.bytes_captured_count", 'must be an integer, not "5k"'],
        ["stop_condition.packets_captured_count", "must be an integer, not 1.5"],
        ["stop_condition.time_elapsed", `must be ${DURATION}, not "1m"`],
      ],
    },
    {
      name: "limits out of range",
      start: {
        include: [ALL],
        stopCondition: {
          bytesCapturedCount: 2n ** 64n,
          packetsCapturedCount: -1n,
          timeElapsed: { seconds: 2n ** 63n, nanos: 2 ** 31 },
        },
      },
      issues: [
        [
          "stop_condition.bytes_captured_count",
          "must be an integer from 0 to 18446744073709551615, not 18446744073709551616n",
        ],
        [
          "stop_condition.packets_captured_count",
          "must be an integer from 0 to 18446744073709551615, not -1n",
        ],
        [
          "stop_condition.time_elapsed.seconds",
          "must be an integer from -9223372036854775808 to 9223372036854775807, not 9223372036854775808n",
        ],
        [
          "stop_condition.time_elapsed.nanos",
          "must be an integer from -2147483648 to 2147483647, not 2147483648",
        ],
      ],
    },
    {
      name: "a duration with a fraction",
      start: { include: [ALL], stopCondition: { timeElapsed: { seconds: 0.5, nanos: 5n } } },
      issues: [["stop_condition.time_elapsed.seconds", "must be an integer, not 0.5"]],
    },
    {
      name: "a capture length that is not an integer",
      start: { include: [ALL], maxCaptureLength: Number.NaN, stopCondition: { packetsCapturedCount: -0.5 } },
      issues: [
        ["max_capture_length", "must be an integer, not NaN"],
        ["stop_condition.packets_captured_count", "must be an integer, not -0.5"],
      ],
    },
    {
      name: "NaN, but not null, which is unset in JSON",
      start: {
        include: [ALL],
        stopCondition: {
          packetsCapturedCount: Number.NaN,
          timeElapsed: { seconds: Number.NaN, nanos: null },
        },
      },
      issues: [
        ["stop_condition.packets_captured_count", "must be an integer, not NaN"],
        ["stop_condition.time_elapsed.seconds", "must be an integer, not NaN"],
      ],
    },
    {
      name: "accepts numbers for 64-bit integers",
      start: {
        include: [ALL],
        stopCondition: { bytesCapturedCount: 0, packetsCapturedCount: 5, timeElapsed: { seconds: 1 } },
      },
      issues: [],
    },
    {
      name: "accepts the widest limits",
      start: {
        include: [ALL],
        stopCondition: {
          bytesCapturedCount: 2n ** 64n - 1n,
          packetsCapturedCount: 0n,
          timeElapsed: { seconds: -(2n ** 63n), nanos: -(2 ** 31) },
        },
      },
      issues: [],
    },
    {
      name: "accepts undefined fields",
      start: { filesink: undefined, include: [ALL], maxCaptureLength: undefined, stopCondition: undefined },
      issues: [],
    },
  ])("$name", ({ start, issues }) => {
    const expected = issues.map(([path, message]) => ({ path, message }));
    expect(checkStartRecording(start as StartRecordingInit)).toEqual(expected);
    if (expected.length > 0) {
      expect(() => planRecording(start as StartRecordingInit)).toThrow(ConfigurationError);
    }
  });

  test.each([
    { schema: StartRecordingSchema, start: (one: object) => one },
    { schema: StopConditionSchema, start: (one: object) => ({ include: [ALL], stopCondition: one }) },
    {
      schema: DurationSchema,
      start: (one: object) => ({ include: [ALL], stopCondition: { timeElapsed: one } }),
    },
    { schema: FileSinkConfigurationSchema, start: (one: object) => ({ include: [ALL], filesink: one }) },
  ])("every field of $schema.name is known", ({ schema, start }) => {
    const one = Object.fromEntries(schema.fields.map(({ localName }) => [localName, undefined]));
    const texts = checkStartRecording(start(one)).map(({ message }) => message);
    expect(texts.filter((text) => text.startsWith("is not a field"))).toEqual([]);
  });

  test("accepts the type of every message, with unknown fields", () => {
    const arbitrary = arbitraryMessage(StartRecordingSchema);
    fc.assert(
      fc.property(arbitrary, (message) => {
        message.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
        const texts = checkStartRecording(message).map((issue) => issue.message);
        expect(texts.filter((text) => /^(is not a |must be )/.test(text))).toEqual([]);
        expect(checkStartRecording(message).some(({ path }) => path.startsWith("stop_condition"))).toBe(
          false,
        );
      }),
    );
  });
});

test.each([
  { options: { whenBusy: "dorp" }, message: 'whenBusy: must be one of wait, drop, not "dorp"' },
  { options: { whenBusy: null }, message: "whenBusy: must be one of wait, drop, not null" },
  { options: { resolution: "ms" }, message: 'resolution: must be one of us, ns, not "ms"' },
  { options: { snik: 1 }, message: "snik: not an option of record; did you mean sink?" },
])("record() refuses $options before anything is opened", ({ options, message }) => {
  const sink = vi.fn();
  const source = fromBatches([], ETHERNET);
  const begin = () => record(source, { include: [ALL] }, { ...(options as RecordOptions), sink });
  expect(begin).toThrow(OptionsError);
  expect(begin).toThrow(message);
  expect(sink).not.toHaveBeenCalled();
});

test.each([{ batches: [] }, { batches: [batchOf([{ id: 1 }])] }])(
  "record: rejects a sink that is not a function",
  ({ batches }) => {
    // A caller without types.
    const options = { sink: "x" } as unknown as RecordOptions;
    expect(() => record(fromBatches(batches, ETHERNET), { include: [ALL] }, options)).toThrow(
      new OptionsError([{ path: "sink", message: 'must be a function, not "x"' }]),
    );
  },
);

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

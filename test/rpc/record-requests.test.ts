import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../src/errors/errors.js";
import { type StartRecording, StartRecordingSchema } from "../../src/gen/recorder/recorder_pb.js";
import type { StartRecordingInput } from "../../src/recorder/index.js";
import {
  REQUESTS_TRANSITIONS,
  RecordRequests,
  type RequestsEvent,
  type RequestsState,
  toStartRecording,
} from "../../src/rpc/record-requests.js";
import { namesOf, nextNames } from "../async/transitions.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";

const STATES: readonly RequestsState[] = [
  { name: "recording" },
  { name: "stopping" },
  { name: "stopSent" },
  { name: "ended" },
];

const EVENTS: readonly RequestsEvent[] = [{ name: "stop" }, { name: "sendStop" }, { name: "end" }];

test("REQUESTS_TRANSITIONS: define every event in every state", () => {
  expect(namesOf(REQUESTS_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(REQUESTS_TRANSITIONS, STATES, EVENTS)).toEqual({
    recording: { stop: "stopping", sendStop: "impossible", end: "ended" },
    stopping: { stop: "-", sendStop: "stopSent", end: "ended" },
    stopSent: { stop: "-", sendStop: "impossible", end: "ended" },
    ended: { stop: "-", sendStop: "impossible", end: "-" },
  });
});

describe("RecordRequests", () => {
  async function casesOf(requests: RecordRequests): Promise<(string | undefined)[]> {
    const cases: (string | undefined)[] = [];
    for await (const { requestType } of requests) cases.push(requestType.case);
    return cases;
  }

  test("yields the start, and one stop for repeated requests", async () => {
    const requests = new RecordRequests(create(StartRecordingSchema));
    const cases = casesOf(requests);
    requests.stop();
    await new Promise(setImmediate);
    requests.stop();
    await new Promise(setImmediate);
    requests.end();
    await expect(cases).resolves.toEqual(["start", "stop"]);
  });

  test("stays open until the end", async () => {
    const requests = new RecordRequests(create(StartRecordingSchema));
    let hasEnded = false;
    const cases = casesOf(requests).finally(() => {
      hasEnded = true;
    });
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    requests.end();
    await expect(cases).resolves.toEqual(["start"]);
  });
});

describe("toStartRecording: forms", () => {
  const bytesOf = (start: StartRecording) => toBinary(StartRecordingSchema, start);

  test.each<{ form: string; start: unknown }>([
    {
      form: "a message",
      start: create(StartRecordingSchema, {
        include: [{ destinationPort: 443, protocol: 6 }],
        stopCondition: { packetsCapturedCount: 5n, timeElapsed: { seconds: 1n, nanos: 500_000_000 } },
      }),
    },
    {
      form: "an init object",
      start: {
        include: [{ destinationPort: 443, protocol: 6 }],
        stopCondition: { packetsCapturedCount: 5n, timeElapsed: { seconds: 1n, nanos: 500_000_000 } },
      },
    },
    {
      form: "protobuf JSON",
      start: {
        include: [{ destination_port: "443", protocol: "PROTOCOL_TCP", sourceCidr: null }],
        stopCondition: { packetsCapturedCount: "5", timeElapsed: "1.5s" },
      },
    },
    {
      form: "a copy of a message with an init object and JSON",
      start: {
        ...create(StartRecordingSchema, { include: [{ destinationPort: 443, protocol: 6 }] }),
        stopCondition: { packetsCapturedCount: 5n, timeElapsed: "1.5s" },
      },
    },
  ])("$form", ({ start }) => {
    const message = toStartRecording(start as StartRecordingInput);
    expect(fromBinary(StartRecordingSchema, bytesOf(message))).toEqual(
      create(StartRecordingSchema, {
        include: [{ destinationPort: 443, protocol: 6 }],
        stopCondition: { packetsCapturedCount: 5n, timeElapsed: { seconds: 1n, nanos: 500_000_000 } },
      }),
    );
  });

  test("every form of any message is sent as the same bytes", () => {
    fc.assert(
      fc.property(arbitraryMessage(StartRecordingSchema), (message) => {
        const json = toJson(StartRecordingSchema, message);
        const named = toJson(StartRecordingSchema, message, { useProtoFieldName: true });
        for (const form of [message, json, named]) {
          expect(bytesOf(toStartRecording(form as StartRecordingInput))).toEqual(bytesOf(message));
        }
      }),
    );
  });

  test("messages keep unknown fields, at every level", () => {
    const unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
    const message = create(StartRecordingSchema, {
      filesink: { filePrefix: "a" },
      include: [{}, { sourcePort: 1 }],
      stopCondition: { timeElapsed: { seconds: 1n } },
    });
    const { filesink, include, stopCondition } = message;
    for (const each of [message, filesink!, include[1]!, stopCondition!, stopCondition!.timeElapsed!]) {
      each.$unknown = unknown;
    }
    expect(bytesOf(toStartRecording(message))).toEqual(bytesOf(message));
    // As an element of an init object, too.
    expect(bytesOf(toStartRecording({ include: [include[1]!] }))).toEqual(
      bytesOf(create(StartRecordingSchema, { include: [include[1]!] })),
    );
  });
});

test("toStartRecording: throws every unknown field and type mismatch, with the paths of the proto file", () => {
  const start = {
    filesink: "a",
    include: [{ sourceCidr: "any", destPort: 1, destinationPort: -1, protocol: "TCP" }],
    stopCondition: { packetsCapturedCount: 1.5 },
  };
  let thrown: unknown;
  try {
    // A caller without types.
    toStartRecording(start as unknown as StartRecordingInput);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigurationError);
  expect(thrown).toMatchObject({
    code: "invalid_recording",
    issues: [
      { path: "filesink", message: 'must be a FileSinkConfiguration, not "a"' },
      {
        path: "include[0].destPort",
        message: "is not a field of Filter; did you mean destinationPort?",
      },
      {
        path: "include[0].destination_port",
        message: "must be an integer from 0 to 4294967295, not -1",
      },
      {
        path: "include[0].protocol",
        message: 'is not a value of Protocol: "TCP"; did you mean PROTOCOL_TCP?',
      },
      { path: "stop_condition.packets_captured_count", message: "must be an integer, not 1.5" },
    ],
  });
});

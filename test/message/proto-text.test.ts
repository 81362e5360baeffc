import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { formatProtoText } from "../../src/message/proto-text.js";
import {
  FilterSchema,
  FlowSchema,
  GetFlowsRequestSchema,
  LostEventSchema,
  Protocol,
  StartRecordingSchema,
} from "../../src/proto.js";

describe("formatProtoText", () => {
  test.each([
    { name: "an empty message", text: "", ...{ schema: LostEventSchema, init: {} } },
    {
      name: "64-bit integers, enums, wrappers and messages",
      text: "source:HUBBLE_RING_BUFFER num_events_lost:5 cpu:{} first:{seconds:1 nanos:2}",
      schema: LostEventSchema,
      init: { source: 3, numEventsLost: 5n, cpu: 0, first: { seconds: 1n, nanos: 2 } },
    },
    {
      name: "a wrapper with a value, and an enum number without a name",
      text: "source:99 cpu:{value:7}",
      schema: LostEventSchema,
      init: { source: 99, cpu: 7 },
    },
    {
      name: "lists of messages and escaped strings",
      text: 'filesink:{file_prefix:"a\\"\\n\\x00"} include:{source_port:80} include:{protocol:PROTOCOL_TCP}',
      schema: StartRecordingSchema,
      init: {
        filesink: { filePrefix: 'a"\n\0' },
        include: [{ sourcePort: 80 }, create(FilterSchema, { protocol: Protocol.TCP })],
      },
    },
    {
      name: "the case of a oneof, also without a value",
      text: 'l4:{TCP:{}} node_labels:"a" node_labels:"b"',
      schema: FlowSchema,
      init: { l4: { protocol: { case: "TCP", value: {} } }, nodeLabels: ["a", "b"] },
    },
    {
      name: "fields in the order of their numbers",
      text: "number:1 follow:true",
      schema: GetFlowsRequestSchema,
      init: { follow: true, number: 1n },
    },
  ])("formats $name", ({ schema, init, text }) => {
    // Each row has an init object of its schema.
    expect(formatProtoText(schema, create(schema, init as never))).toBe(text);
  });
});

import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import {
  createFlowPrinter,
  type FormatFlowOptions,
  formatFlow,
  OUTPUT_FORMATS,
} from "../../../../src/observer/format.js";
import {
  FlowSchema,
  GetFlowsResponseSchema,
  LostEventSchema,
  LostEventSource,
} from "../../../../src/proto.js";

const lost = create(LostEventSchema, {
  source: LostEventSource.HUBBLE_RING_BUFFER,
  numEventsLost: 12n,
  cpu: 3,
});
const response = create(GetFlowsResponseSchema, {
  responseTypes: { case: "lostEvents", value: lost },
  nodeName: "n",
});
const OUTPUTS = OUTPUT_FORMATS;

describe("formatFlow: lost events", () => {
  test.each(OUTPUTS)("are skipped as in v1.16.2: %s", (output) => {
    expect(createFlowPrinter({ output }).write(response)).toEqual({ out: "", err: "" });
  });

  test.each(OUTPUTS)("are reported on err with debug: %s", (output) => {
    expect(createFlowPrinter({ output, debug: true }).write(response)).toEqual({
      out: "",
      err: "unknown response type: &{LostEvents:source:HUBBLE_RING_BUFFER num_events_lost:12 cpu:{value:3}}\n",
    });
  });

  test("omit unset fields", () => {
    const text = (init: Parameters<typeof create<typeof LostEventSchema>>[1]) =>
      formatFlow(create(LostEventSchema, init), { debug: true }).slice(
        "unknown response type: &{LostEvents:".length,
        -1,
      );
    expect(text({})).toBe("");
    expect(text({ cpu: 0, first: {}, last: { seconds: 5n, nanos: 6 } })).toBe(
      "cpu:{} first:{} last:{seconds:5 nanos:6}",
    );
  });

  test.each<[FormatFlowOptions["output"], string]>([
    ["compact", "EVENTS LOST: HUBBLE_RING_BUFFER CPU(3) 12"],
    [
      "dict",
      [
        "  TIMESTAMP: ",
        "       NODE: ",
        "     SOURCE: HUBBLE_RING_BUFFER",
        "       TYPE: EVENTS LOST",
        "    VERDICT: ",
        "    SUMMARY: CPU(3) - 12",
      ].join("\n"),
    ],
    [
      "table",
      [
        "TIMESTAMP   NODE   SOURCE               DESTINATION   TYPE          VERDICT   SUMMARY",
        "                   HUBBLE_RING_BUFFER                 EVENTS LOST             CPU(3) - 12",
      ].join("\n"),
    ],
    [
      "json",
      '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12","cpu":3},"node_name":"n"}',
    ],
  ])("are printed as in later releases, with lostEvents: %s", (output, expected) => {
    expect(formatFlow(response, { output, lostEvents: true, nodeName: true })).toBe(expected);
  });

  test("share the table of flows", () => {
    const printer = createFlowPrinter({ output: "table", lostEvents: true });
    for (const event of [create(FlowSchema), lost, create(FlowSchema)]) printer.write(event);
    expect(printer.end().out.split("\n")).toHaveLength(5);
  });

  test("without a processor print processor 0", () => {
    expect(formatFlow(create(LostEventSchema), { lostEvents: true })).toBe(
      "EVENTS LOST: UNKNOWN_LOST_EVENT_SOURCE CPU(0) 0",
    );
    expect(formatFlow(lost, { lostEvents: true, output: "json" })).toBe(
      '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12","cpu":3}}',
    );
  });

  test("are printed with their time as in v1.19, unless lostEvents is false", () => {
    const time = (seconds: bigint) => create(TimestampSchema, { seconds });
    const lostThen = create(LostEventSchema, { ...lost, first: time(1n), last: time(2n) });
    expect(formatFlow(lostThen, { hubble: "1.19" })).toBe(
      "N/A EVENTS LOST: HUBBLE_RING_BUFFER CPU(3) 12 (first: Jan  1 00:00:01.000, last: Jan  1 00:00:02.000)",
    );
    expect(formatFlow(lostThen, { hubble: "1.19", lostEvents: false })).toBe("");
    expect(formatFlow(lost, { hubble: "1.19", output: "jsonpb" })).toContain('"lost_events"');
  });
});

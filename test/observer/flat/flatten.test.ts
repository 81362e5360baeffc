import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  ScalarType,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type ColumnType,
  decodeEvent,
  decodeExport,
  encodeEvent,
  FLOW_COLUMNS,
  type FlatColumn,
  type FlatValue,
  flattenEvent,
} from "../../../src/observer/index.js";
import { DropReason, ExportEventSchema, FlowSchema, LostEventSource, Verdict } from "../../../src/proto.js";
import { repository } from "../../support/run.js";
import { describeWithShared, sharedPath } from "../../support/shared.js";

const time = { seconds: 1_781_621_533n, nanos: 596_000_001 };

describe("flattenEvent", () => {
  test("has the values of a flow by the names of the columns, and leaves out what is missing", () => {
    const flow = create(FlowSchema, {
      time,
      uuid: "u",
      nodeName: "n",
      verdict: Verdict.DROPPED,
      dropReasonDesc: DropReason.POLICY_DENIED,
      isReply: false,
      IP: { source: "10.0.0.1", destination: "fd00::1" },
      l4: { protocol: { case: "TCP", value: { destinationPort: 443, flags: { ACK: true, SYN: true } } } },
      source: { namespace: "shop", podName: "cart-1", workloads: [{ name: "cart", kind: "Deployment" }] },
      egressDeniedBy: [{ namespace: "shop", name: "deny" }, { name: "cluster-wide" }],
    });
    expect(flattenEvent(flow)).toEqual({
      ...{ time: "2026-06-16T14:52:13.596000001Z", event: "flow", node_name: "n", uuid: "u" },
      ...{ verdict: "DROPPED", drop_reason: "POLICY_DENIED", is_reply: false },
      ...{ source_ip: "10.0.0.1", destination_ip: "fd00::1", protocol: "TCP", destination_port: 443 },
      ...{ tcp_flags: ["SYN", "ACK"], source_namespace: "shop", source_pod: "cart-1" },
      ...{ source_workload: "cart", source_workload_kind: "Deployment" },
      egress_denied_by: ["shop/deny", "cluster-wide"],
    });
  });

  test("has the count of lost events, as a string above 2^53", () => {
    const lost = (numEventsLost: bigint) =>
      create(ExportEventSchema, {
        time,
        nodeName: "n",
        responseTypes: {
          case: "lostEvents",
          value: { numEventsLost, source: LostEventSource.HUBBLE_RING_BUFFER },
        },
      });
    expect(flattenEvent(lost(3n))).toEqual({
      ...{ time: "2026-06-16T14:52:13.596000001Z", event: "lost_events", node_name: "n" },
      ...{ lost_events: 3, lost_events_source: "HUBBLE_RING_BUFFER" },
    });
    expect(flattenEvent(lost(2n ** 64n - 1n)).lost_events).toBe("18446744073709551615");
  });

  test.each<[string, number, string]>([
    ["enum values that this package does not know are numbers", 4711, "4711"],
    ["known enum values are names", Verdict.AUDIT, "AUDIT"],
  ])("%s", (_, verdict, expected) => {
    expect(flattenEvent(create(FlowSchema, { verdict })).verdict).toBe(expected);
  });

  test.each([
    [{ seconds: 2n ** 60n, nanos: 0 }],
    [{ seconds: 1n, nanos: -1 }],
    [{ seconds: 1n, nanos: 1_000_000_000 }],
  ])("leaves out the invalid time %o", (invalid) => {
    expect(flattenEvent(create(FlowSchema, { time: invalid }))).toEqual({ event: "flow" });
  });

  test("uses the columns of the caller", () => {
    const columns = {
      verdict: FLOW_COLUMNS.verdict,
      cluster: { type: "enum", value: () => "west" },
    } satisfies Record<string, FlatColumn>;
    const flow = create(FlowSchema, { verdict: Verdict.FORWARDED, uuid: "u" });
    expect(flattenEvent(flow, columns)).toEqual({ verdict: "FORWARDED", cluster: "west" });
  });

  test("rejects what is not an event and what is not a table of columns", () => {
    expect(() => flattenEvent({} as never)).toThrow("flattenEvent: event must be a message");
    const flow = create(FlowSchema);
    expect(() => flattenEvent(flow, { a: { type: "text", value: () => 1 } } as never)).toThrow(
      "flattenEvent: columns.a.type must be one of",
    );
    expect(() => flattenEvent(flow, { a: { type: "string" } } as never)).toThrow(
      "columns.a.value is required",
    );
  });
});

/** Fields of flows that have no column. */
const WITHOUT_COLUMN = ["drop_reason", "reply", "Summary", "extensions"];

describe("FLOW_COLUMNS", () => {
  const fields = FlowSchema.fields.filter(({ name }) => !WITHOUT_COLUMN.includes(name));
  test.each(fields.map((field) => ({ name: field.name, field })))("$name has a column", ({ field }) => {
    for (const value of samplesOf(field)) {
      const flow = fromJson(FlowSchema, { [field.name]: value } as JsonObject);
      const row = flattenEvent(flow);
      expect(Object.keys(row), JSON.stringify(value)).toEqual(
        expect.arrayContaining([expect.not.stringMatching(/^event$/)]),
      );
    }
  });
});

test("FLOW_COLUMNS: docs/http-sink.md has a row for each with its type, and for no other", () => {
  const page = readFileSync(join(repository, "docs/http-sink.md"), "utf8");
  const rows = page.slice(page.indexOf("## Columns")).matchAll(/^\| (`.*?`) \| ([^|]*) \| .*\|$/gm);
  const documented = [...rows].flatMap(([, names = "", type = ""]) =>
    names
      .replaceAll("`", "")
      .split(", ")
      .map((name) => `${name}: ${type}`),
  );
  const columns = Object.entries<FlatColumn>(FLOW_COLUMNS).map(
    ([name, { type, isNullable }]) => `${name}: ${type}${isNullable ? ", nullable" : ""}`,
  );
  expect(documented.sort()).toEqual(columns.sort());
});

describeWithShared("FLOW_COLUMNS: recorded flows", () => {
  const files = ["10", "330-dns", "348-http", "400-icmpv4", "400-l7-redirected", "400-tcp", "400-udp"];
  test.each(files)("every value of basic-sample-%s-flows has the type of its column", async (name) => {
    let flows = 0;
    const lines = readFileSync(sharedPath("flows", `basic-sample-${name}-flows.json`), "utf8");
    for await (const event of decodeExport(lines)) {
      const row = flattenEvent(event);
      expect(flattenEvent(decodeEvent(encodeEvent(event)))).toEqual(row);
      for (const [column, value] of Object.entries(row)) {
        const { type } = FLOW_COLUMNS[column as keyof typeof FLOW_COLUMNS];
        expect(isOfType[type](value), `${column}: ${value}`).toBe(true);
      }
      flows++;
    }
    expect(flows).toBe(lines.trimEnd().split("\n").length);
  });
});

const aText = (value: FlatValue) => typeof value === "string" && value !== "";
const anUnsigned = (bits: number) => (value: FlatValue) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** bits;

const isOfType: { readonly [K in ColumnType]: (value: FlatValue) => boolean } = {
  string: aText,
  enum: aText,
  strings: (value) => Array.isArray(value) && value.length > 0 && value.every(aText),
  time: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(value),
  bool: (value) => typeof value === "boolean",
  int32: (value) => Number.isInteger(value),
  uint8: anUnsigned(8),
  uint16: anUnsigned(16),
  uint32: anUnsigned(32),
  uint64: anUnsigned(53),
};

/** JSON values of a field in which every field is set; one for each case of a oneof. */
function samplesOf(field: DescField): unknown[] {
  const { message } = field;
  if (message === undefined) return [field.fieldKind === "list" ? [scalar(field)] : scalar(field)];
  const samples = messageSamples(message);
  return field.fieldKind === "list" ? samples.map((sample) => [sample]) : samples;
}

function messageSamples(message: DescMessage): unknown[] {
  if (message.typeName === "google.protobuf.Timestamp") return ["2026-06-16T14:52:13.596Z"];
  if (message.typeName === "google.protobuf.BoolValue") return [true];
  let samples: JsonObject[] = [{}];
  for (const member of message.members) {
    const fields = member.kind === "oneof" ? member.fields : [member];
    samples = fields.flatMap((field) =>
      samples.flatMap((sample) =>
        samplesOf(field).map((value) => ({ ...sample, [field.name]: value }) as JsonObject),
      ),
    );
  }
  return samples;
}

function scalar(field: DescField): unknown {
  if (field.enum !== undefined) return field.enum.values[1]!.name;
  return field.scalar === ScalarType.STRING ? "x" : field.scalar === ScalarType.BOOL ? true : 7;
}

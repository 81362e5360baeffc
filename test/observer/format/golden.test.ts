// What Hubble 1.19.4 printed for recorded events, byte for byte.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type DescMessage, fromJson, type MessageShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  createFlowPrinter,
  type FormatFlowOptions,
  formatServerStatus,
  type OutputFormat,
  type PrintableEvent,
} from "../../../src/observer/format.js";
import {
  GetAgentEventsResponseSchema,
  GetDebugEventsResponseSchema,
  GetFlowsResponseSchema,
  ServerStatusResponseSchema,
} from "../../../src/proto.js";

/** Texts by file name. */
const golden = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, "../../golden/printing-1.19.json.gz"))).toString("utf8"),
) as Readonly<Record<string, string>>;

/** Hubble ignores unknown fields, so that a line with only these is an empty response. */
function messagesOf<Schema extends DescMessage>(schema: Schema, file: string): MessageShape<Schema>[] {
  const lines = golden[`${file}-1.19.jsonl`]!.trimEnd().split("\n");
  return lines.map((line) => fromJson(schema, JSON.parse(line), { ignoreUnknownFields: true }));
}

const AS_1_19: FormatFlowOptions = { hubble: "1.19", rawControls: true };

/** What the parts of a file name after the format stand for. */
const OPTIONS: Readonly<Record<string, FormatFlowOptions>> = {
  "policy-names": { policyNames: true },
  node: { nodeName: true },
  noip: { ipTranslation: false },
  color: { color: true },
  rfc3339nano: { timeFormat: "RFC3339Nano" },
  rfc1123z: { timeFormat: "RFC1123Z" },
  debug: { debug: true },
  // How many events are printed, and where to.
  ...Object.fromEntries(["last5", "first40", "silent", "stdout", "stderr"].map((part) => [part, {}])),
};

function optionsOf(file: string): FormatFlowOptions {
  const [, format = "", ...parts] = file.replace(/\.txt$/, "").split(".");
  const output = format.replace("-legacy", "") as OutputFormat;
  return Object.assign(
    { ...AS_1_19, output, legacyJson: format === "json-legacy" },
    ...parts.map((part) => OPTIONS[part]!),
  );
}

function print(events: readonly PrintableEvent[], options: FormatFlowOptions) {
  const printer = createFlowPrinter(options);
  const printed = [...events.map((event) => printer.write(event)), printer.end()];
  return { stdout: printed.map(({ out }) => out).join(""), stderr: printed.map(({ err }) => err).join("") };
}

const files = Object.keys(golden).filter((file) => file.endsWith(".txt"));
const filesOf = (kind: string) => files.filter((file) => file.startsWith(`${kind}.`));

describe("createFlowPrinter: compared with hubble observe v1.19.4", () => {
  test("the recordings contain 53 outputs", () => {
    const kinds = ["events", "nodestatus", "agent-events", "debug-events", "server-status"];
    expect(kinds.map((kind) => filesOf(kind).length)).toEqual([18, 14, 7, 7, 7]);
  });

  const events = messagesOf(GetFlowsResponseSchema, "events");

  test.each(filesOf("events"))("prints %s", (file) => {
    const part = file.includes("last5")
      ? events.slice(-5)
      : events.slice(0, file.includes("first40") ? 40 : undefined);
    expect(print(part, optionsOf(file))).toEqual({ stdout: golden[file], stderr: "" });
  });

  const statuses = messagesOf(GetFlowsResponseSchema, "nodestatus");

  test.each(filesOf("nodestatus"))("prints %s", (file) => {
    const printed = print(statuses, optionsOf(file));
    // With --silent, Hubble discards standard error.
    const streams = file.includes("silent") ? { ...printed, stderr: "" } : printed;
    expect(streams[file.includes("stdout") ? "stdout" : "stderr"]).toBe(golden[file]);
  });

  test.each([
    ...filesOf("agent-events").map((file) => ({
      file,
      schema: GetAgentEventsResponseSchema,
      kind: "agent-events",
    })),
    ...filesOf("debug-events").map((file) => ({
      file,
      schema: GetDebugEventsResponseSchema,
      kind: "debug-events",
    })),
  ])("prints $file", ({ file, schema, kind }) => {
    expect(print(messagesOf(schema, kind), optionsOf(file))).toEqual({ stdout: golden[file], stderr: "" });
  });
});

/** The recording aligned the columns over all statuses, while Hubble prints one at a time. */
function sized(text: string): string {
  return text.replaceAll(/ {3,}/g, "   ");
}

describe("formatServerStatus: compared with hubble status v1.19.4", () => {
  const statuses = messagesOf(ServerStatusResponseSchema, "server-status");

  test.each(filesOf("server-status").filter((file) => !file.includes("jsonpb")))("prints %s", (file) => {
    const output = file.split(".")[1] as "compact" | "dict" | "table";
    const texts = statuses.map((status) =>
      formatServerStatus(status, { output, hubble: "1.19", rawControls: true }),
    );
    expect(sized(`${texts.join("\n")}\n`)).toBe(sized(golden[file]!));
  });
});

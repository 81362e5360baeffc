// Export lines read, filtered by three filters and printed again, over the 10,000 flows of the corpus.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { compileFlowFilters, flowEvent } from "../../dist/filter/index.js";
import { decodeExport, decodeExportBatches, encodeExportLine } from "../../dist/observer/index.js";
import { decodeFlow, type GetFlowsResponse, GetFlowsResponseSchema } from "../../dist/proto.js";
import { encodedFlows } from "./corpus.js";
import { formatFigures, runProgram, summarise } from "./measure.js";

const ROUNDS = 7;
/** What `readFile` streams hand out. */
const CHUNK_BYTES = 64 * 1024;
const LF = 0x0a;

const FILTERS = {
  allow: [{ verdict: ["DROPPED" as const, "FORWARDED" as const] }, { destinationPort: ["53"] }],
  deny: [{ sourcePod: ["kube-system/"] }],
};
/** The same, as far as jq can say it without Hubble's rules for ports and pods. */
const JQ = `select(
  (.flow.verdict == "DROPPED" or .flow.verdict == "FORWARDED" or
    ([.flow.l4.TCP, .flow.l4.UDP, .flow.l4.SCTP] | any(.destination_port? == 53)))
  and ((.flow.source.namespace == "kube-system" and .flow.source.pod_name != null) | not))`;

export async function run(): Promise<void> {
  const lines = encodedFlows().map((bytes) => {
    const flow = decodeFlow(bytes);
    const { time } = flow;
    const responseTypes = { case: "flow", value: flow } as const;
    return encodeExportLine(
      create(GetFlowsResponseSchema, { responseTypes, nodeName: flow.nodeName, ...(time && { time }) }),
    );
  });
  const file = new TextEncoder().encode(`${lines.join("\n")}\n`);
  const count = lines.length;
  console.log(`${count} lines, ${(file.length / 1e6).toFixed(1)} MB, chunks of ${CHUNK_BYTES / 1024} KiB`);

  const passes = compileFlowFilters(FILTERS);
  const works: Record<string, () => Promise<number>> = {
    "decodeExport, filters, encodeExportLine": async () => {
      let kept = 0;
      for await (const event of decodeExport(chunksOf(file))) {
        if (passes(flowEvent(event))) kept += Buffer.byteLength(encodeExportLine(event)) > 0 ? 1 : 0;
      }
      return kept;
    },
    "the same by decodeExportBatches": async () => {
      let kept = 0;
      for await (const events of decodeExportBatches(chunksOf(file))) {
        for (const event of events)
          if (passes(flowEvent(event))) kept += Buffer.byteLength(encodeExportLine(event)) > 0 ? 1 : 0;
      }
      return kept;
    },
    "protobuf-es: JSON.parse, fromJson, filters, toJson, JSON.stringify": async () => {
      let kept = 0;
      for (const line of linesOf(file)) {
        const event = fromJson(GetFlowsResponseSchema, JSON.parse(line));
        if (!passes(flowEvent(event))) continue;
        const json = toJson(GetFlowsResponseSchema, event, { useProtoFieldName: true });
        kept += Buffer.byteLength(JSON.stringify(json)) > 0 ? 1 : 0;
      }
      return kept;
    },
    "JSON.parse and JSON.stringify alone": async () => {
      let kept = 0;
      for (const line of linesOf(file)) kept += JSON.stringify(JSON.parse(line)).length > 0 ? 1 : 0;
      return kept;
    },
  };
  print(await alternateAsync(works, count), file.length / count);
  jq(file, count);

  const reading: typeof works = {
    "reading alone, decodeExportBatches": async () => {
      let read = 0;
      for await (const events of decodeExportBatches(chunksOf(file))) read += events.length;
      return read;
    },
    "reading alone, JSON.parse and fromJson": async () => {
      let read = 0;
      for (const line of linesOf(file)) read += fromJson(GetFlowsResponseSchema, JSON.parse(line)) ? 1 : 0;
      return read;
    },
  };
  print(await alternateAsync(reading, count), file.length / count);

  // Last, as thousands of events that stay make every collection of garbage longer.
  const events: GetFlowsResponse[] = [];
  for await (const event of decodeExport(file)) events.push(event as GetFlowsResponse);
  const printing: typeof works = {
    "printing alone, encodeExportLine": async () => {
      let bytes = 0;
      for (const event of events) bytes += Buffer.byteLength(encodeExportLine(event));
      return bytes > 0 ? count : 0;
    },
    "printing alone, toJson and JSON.stringify": async () => {
      let bytes = 0;
      for (const event of events) {
        const json = toJson(GetFlowsResponseSchema, event, { useProtoFieldName: true });
        bytes += Buffer.byteLength(JSON.stringify(json));
      }
      return bytes > 0 ? count : 0;
    },
  };
  print(await alternateAsync(printing, count), file.length / count);
}

function print(figures: Awaited<ReturnType<typeof alternateAsync>>, lineBytes: number): void {
  for (const [name, { kept, microseconds }] of Object.entries(figures)) {
    const summary = summarise(microseconds);
    const perSecond = 1e6 / summary.median;
    console.log(
      `  ${name.padEnd(68)} ${formatFigures(summary, "µs", 1)} a line, ${(perSecond / 1000).toFixed(0)} k lines/s, ` +
        `${((lineBytes * perSecond) / 1e6).toFixed(0)} MB/s, ${kept} kept`,
    );
  }
}

/** The works in turn, round by round, after one round to warm up. */
async function alternateAsync(
  works: Readonly<Record<string, () => Promise<number>>>,
  count: number,
): Promise<Record<string, { kept: number; microseconds: number[] }>> {
  const figures: Record<string, { kept: number; microseconds: number[] }> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, work] of Object.entries(works)) {
      const start = process.hrtime.bigint();
      const kept = await work();
      const microseconds = Number(process.hrtime.bigint() - start) / 1000 / count;
      figures[name] ??= { kept, microseconds: [] };
      if (round > 0) figures[name].microseconds.push(microseconds);
    }
  }
  return figures;
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** What a program without a library does: decode the file, split it. */
function linesOf(bytes: Uint8Array): string[] {
  const end = bytes[bytes.length - 1] === LF ? bytes.length - 1 : bytes.length;
  return new TextDecoder().decode(bytes.subarray(0, end)).split("\n");
}

function jq(file: Uint8Array, count: number): void {
  if (spawnSync("jq", ["--version"]).status !== 0) return;
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-bench-"));
  try {
    const path = join(folder, "flows.jsonl");
    writeFileSync(path, file);
    const runs = Array.from({ length: 3 }, () =>
      runProgram("sh", ["-c", 'jq -c "$1" "$2" | wc -l', "sh", JQ, path]),
    );
    const kept = runs[0]?.stdout.trim();
    const summary = summarise(runs.map(({ milliseconds }) => (milliseconds * 1000) / count));
    const perSecond = 1e6 / summary.median;
    console.log(
      `  ${"jq -c 'select(…)', the process as a whole".padEnd(68)} ${formatFigures(summary, "µs", 1)} a line, ` +
        `${(perSecond / 1000).toFixed(0)} k lines/s, ${((file.length / count / 1e6) * perSecond).toFixed(0)} MB/s, ${kept} kept`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

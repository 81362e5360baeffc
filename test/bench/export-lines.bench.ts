// Export lines read, filtered by three filters and printed again, over the 10,000 flows of the corpus.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromJson, toJson } from "@bufbuild/protobuf";
import { compileFlowFilters, flowEvent } from "../../dist/filter/index.js";
import { decodeExport, decodeExportBatches, encodeExportLine } from "../../dist/observer/index.js";
import { type GetFlowsResponse, GetFlowsResponseSchema } from "../../dist/proto.js";
import { filterFilesTable } from "./filter-files.js";
import { exportLines } from "./inputs/export-lines.js";
import {
  alternateAsync,
  type Figures,
  inTemporaryFolder,
  packageVersion,
  programVersion,
  ROUNDS,
  runProgram,
} from "./measure.js";
import { type BenchmarkResult, type BenchmarkTable, formatRatio } from "./report/result.js";

/** What `readFile` streams yield. */
const CHUNK_BYTES = 64 * 1024;
const LF = 0x0a;

const FILTERS = {
  allow: [{ verdict: ["DROPPED" as const, "FORWARDED" as const] }, { destinationPort: ["53"] }],
  deny: [{ sourcePod: ["kube-system/"] }],
};
/** The same for jq, without Hubble's rules for ports and pods. */
const JQ = `select(
  (.flow.verdict == "DROPPED" or .flow.verdict == "FORWARDED" or
    ([.flow.l4.TCP, .flow.l4.UDP, .flow.l4.SCTP] | any(.destination_port? == 53)))
  and ((.flow.source.namespace == "kube-system" and .flow.source.pod_name != null) | not))`;

/** A work returns how many lines it has printed or read. */
type Work = () => number | Promise<number>;

export async function run(): Promise<BenchmarkResult> {
  const lines = exportLines();
  const file = new TextEncoder().encode(`${lines.join("\n")}\n`);
  const jq = programVersion("jq");
  const whole = await inTemporaryFolder((folder) =>
    readFilterPrint(file, lines.length, folder, jq !== undefined),
  );
  const threads = await filterFilesTable(lines);
  const reading = await readOnly(file, lines.length);
  // Last, as thousands of events that stay make every collection of garbage longer.
  const printing = await printOnly(file, lines.length);
  const { own, batches, protobufEs, json, process } = whole;
  const besideProtobufEs = own!.median / protobufEs!.median;
  const besideJq = process && own!.median / process.median;
  const table = (title: string, columns: string[], rows: BenchmarkTable["rows"]) => ({
    ...{ title, unit: "µs", digits: 1, columns, rows },
  });
  return {
    tables: [
      table(
        `Reading, filtering and printing, per line of ${Math.round(file.length / lines.length)} bytes`,
        [
          "flowscribe",
          "protobuf-es",
          "JSON.parse and JSON.stringify",
          ...(jq === undefined ? [] : ["jq -c (process)"]),
        ],
        [
          { name: "decodeExport, filters, encodeExportLine", figures: [own, protobufEs, json, process] },
          { name: "the same with decodeExportBatches", figures: [batches, protobufEs, json, process] },
        ],
      ),
      table(
        "One direction, per line",
        ["flowscribe", "protobuf-es"],
        [
          { name: "reading, decodeExportBatches", figures: [reading.own, reading.protobufEs] },
          { name: "printing, encodeExportLine", figures: [printing.own, printing.protobufEs] },
        ],
      ),
      threads,
    ],
    peers: {
      "protobuf-es": packageVersion("@bufbuild/protobuf"),
      ...(jq === undefined ? {} : { jq }),
    },
    gain:
      `Reading, filtering and printing export lines takes ${formatRatio(besideProtobufEs)} times the time of protobuf-es` +
      `${besideJq === undefined ? "" : ` and ${formatRatio(besideJq)} times that of \`jq -c\``}.`,
  };
}

async function readFilterPrint(
  file: Uint8Array,
  count: number,
  folder: string,
  hasJq: boolean,
): Promise<Readonly<Partial<Record<string, Figures>>>> {
  const passes = compileFlowFilters(FILTERS);
  const path = join(folder, "flows.jsonl");
  writeFileSync(path, file);
  const kept = new Map<string, number>();
  const print = (text: string) => (Buffer.byteLength(text) > 0 ? 1 : 0);
  const works: Record<string, Work> = {
    own: async () => {
      let printed = 0;
      for await (const event of decodeExport(chunksOf(file))) {
        if (passes(flowEvent(event))) printed += print(encodeExportLine(event));
      }
      return printed;
    },
    batches: async () => {
      let printed = 0;
      for await (const events of decodeExportBatches(chunksOf(file))) {
        for (const event of events) if (passes(flowEvent(event))) printed += print(encodeExportLine(event));
      }
      return printed;
    },
    protobufEs: () => {
      let printed = 0;
      for (const line of linesOf(file)) {
        const event = fromJson(GetFlowsResponseSchema, JSON.parse(line));
        if (!passes(flowEvent(event))) continue;
        printed += print(JSON.stringify(toJson(GetFlowsResponseSchema, event, { useProtoFieldName: true })));
      }
      return printed;
    },
    json: () => {
      for (const line of linesOf(file)) print(JSON.stringify(JSON.parse(line)));
      return count;
    },
    ...(hasJq && {
      process: () => Number(runProgram("sh", ["-c", 'jq -c "$1" "$2" | wc -l', "sh", JQ, path]).stdout),
    }),
  };
  const figures = await alternateAsync(ROUNDS, timed(works, count, kept));
  kept.delete("json");
  if (new Set(kept.values()).size > 1) throw new Error(`different lines: ${JSON.stringify([...kept])}`);
  return figures;
}

function readOnly(file: Uint8Array, count: number): Promise<Record<"own" | "protobufEs", Figures>> {
  return alternateAsync(
    ROUNDS,
    timed(
      {
        own: async () => {
          let read = 0;
          for await (const events of decodeExportBatches(chunksOf(file))) read += events.length;
          return read;
        },
        protobufEs: () => {
          let read = 0;
          for (const line of linesOf(file))
            read += fromJson(GetFlowsResponseSchema, JSON.parse(line)) ? 1 : 0;
          return read;
        },
      },
      count,
    ),
  );
}

async function printOnly(file: Uint8Array, count: number): Promise<Record<"own" | "protobufEs", Figures>> {
  const events: GetFlowsResponse[] = [];
  // The file contains nothing but responses.
  for await (const event of decodeExport(file)) events.push(event as GetFlowsResponse);
  const bytesOf = (print: (event: GetFlowsResponse) => string) => () =>
    events.reduce((sum, event) => sum + Buffer.byteLength(print(event)), 0);
  return alternateAsync(
    ROUNDS,
    timed(
      {
        own: bytesOf((event) => encodeExportLine(event)),
        protobufEs: bytesOf((event) =>
          JSON.stringify(toJson(GetFlowsResponseSchema, event, { useProtoFieldName: true })),
        ),
      },
      count,
    ),
  );
}

/** Microseconds per line of each work. */
function timed<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  count: number,
  results: Map<string, number> = new Map(),
): Record<Name, () => Promise<number>> {
  const entries = Object.entries<Work>(works).map(([name, work]) => [
    name,
    async () => {
      const start = process.hrtime.bigint();
      results.set(name, await work());
      return Number(process.hrtime.bigint() - start) / 1000 / count;
    },
  ]);
  return Object.fromEntries(entries) as Record<Name, () => Promise<number>>;
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** What a program without a library does: decode the file, split it. */
function linesOf(bytes: Uint8Array): string[] {
  const end = bytes[bytes.length - 1] === LF ? bytes.length - 1 : bytes.length;
  return new TextDecoder().decode(bytes.subarray(0, end)).split("\n");
}

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, compileFlowFilters, type FlowFilterLists } from "../../../src/filter/index.js";
import {
  decodeExport,
  ExportError,
  type ExportInput,
  encodeExportLine,
  type FilterExportOptions,
  filterExport,
  flowResponse,
} from "../../../src/observer/index.js";
import { decodeFlow } from "../../../src/proto.js";
import { encodedFlows } from "../../bench/inputs/corpus.js";
import { runs } from "../../support/amount.js";

const DROPPED: FlowFilterLists = { allow: [{ verdict: ["DROPPED"] }] };

const utf8 = new TextEncoder();
const text = new TextDecoder();

interface Filtered {
  readonly lines: string[];
  readonly error: unknown;
}

async function filtered(
  input: ExportInput,
  filters: Parameters<typeof filterExport>[1] = DROPPED,
  options: FilterExportOptions = {},
): Promise<Filtered> {
  const lines: string[] = [];
  try {
    for await (const line of filterExport(input, filters, options)) lines.push(text.decode(line));
    return { lines, error: undefined };
  } catch (error) {
    return { lines, error };
  }
}

/** The lines of decoded events, printed, and the error. */
async function decodedLines(
  input: ExportInput,
  options: Parameters<typeof decodeExport>[1],
): Promise<Filtered> {
  const lines: string[] = [];
  try {
    for await (const event of decodeExport(input, options)) lines.push(encodeExportLine(event));
    return { lines, error: undefined };
  } catch (error) {
    return { lines, error };
  }
}

const flow = (uuid: string, verdict: string) =>
  `{"flow":{"uuid":"${uuid}","verdict":"${verdict}"},"node_name":"n"}`;
const A = flow("a", "DROPPED");
const B = flow("b", "FORWARDED");
const C = flow("c", "DROPPED");

describe("filterExport", () => {
  test("yields matching lines byte for byte", async () => {
    const odd = ' {"flow" :{"future":1.0,"verdict":2, "uuid":"\\u0061\\/"}}\r';
    const bare = '{"verdict":"DROPPED","uuid":"d"}';
    expect((await filtered([A, B, odd, "", bare, C].join("\n"))).lines).toEqual([A, odd, bare, C]);
  });

  test("skips a byte order mark and empty lines, and needs no last line feed", async () => {
    expect((await filtered(`\ufeff${A}\n\n  \n\0\0\n${C}`)).lines).toEqual([A, C]);
  });

  test.each([1, 7, 64, 100_000])(
    "yields the same lines for chunks of %i bytes, plain and gzip",
    async (size) => {
      const bytes = utf8.encode(`${[A, B, C, B, A].join("\n")}\n`);
      const chunks = (whole: Uint8Array) =>
        Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
          whole.slice(index * size, (index + 1) * size),
        );
      expect((await filtered(chunks(bytes))).lines).toEqual([A, C, A]);
      expect((await filtered(chunks(gzipSync(bytes)))).lines).toEqual([A, C, A]);
    },
  );

  test("yields arrays that stay unchanged", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => flow(String(index), "DROPPED"));
    const lines: Uint8Array[] = [];
    for await (const line of filterExport(many.join("\n"), DROPPED)) lines.push(line);
    expect(lines.map((line) => text.decode(line))).toEqual(many);
  });

  test("accepts predicates of compileFlowFilters and any other function", async () => {
    const input = [A, B, C].join("\n");
    expect((await filtered(input, compileFlowFilters(DROPPED))).lines).toEqual([A, C]);
    expect((await filtered(input, () => true)).lines).toEqual([A, B, C]);
    expect((await filtered(input, { deny: [{ verdict: ["DROPPED"] }] })).lines).toEqual([B]);
    expect((await filtered(input, {})).lines).toEqual([A, B, C]);
    const cel = { allow: [{ experimental: { celExpression: ["_flow.uuid == 'b'"] } }] };
    expect((await filtered(input, cel)).lines).toEqual([B]);
  });

  test("passes other events to the filters", async () => {
    const lost = '{"lost_events":{"source":"PERF_EVENT_RING_BUFFER"}}';
    expect((await filtered(lost, { allow: [{ eventType: [{ type: 1 }] }] })).lines).toEqual([lost]);
    expect((await filtered(lost)).lines).toEqual([]);
  });

  test("yields the events of envelopes, lists and documents on one line each", async () => {
    const docker = (content: string) => JSON.stringify({ log: `${content}\n`, stream: "stdout", time: "t" });
    const document = JSON.stringify(JSON.parse(A), undefined, 2);
    const input = [
      docker(A),
      docker(B),
      `2026-11-22T10:00:00.000000000Z stdout P ${A.slice(0, 20)}`,
      `2026-11-22T10:00:00.000000000Z stdout F ${A.slice(20)}`,
      `[${A},${B},${C}]`,
      document,
      B,
      C,
    ];
    const { lines, error } = await filtered(input.join("\n"));
    expect(error).toBeUndefined();
    expect(lines).toEqual([A, A, A, C, A.replaceAll(":", ": ").replaceAll(": {", ": {"), C]);
    for (const line of lines) expect(JSON.parse(line)).toBeDefined();
  });

  test.each([
    '{"flow":{"verdict":"DROPPED"',
    '{"flow":{"verdict":5.5}}',
    "{}",
    '{"flow":{},"flow":{}}',
    "nonsense",
  ])("reports %s as decodeExport does, after the lines before it", async (bad) => {
    const input = [A, B, bad, C].join("\n");
    const { lines, error } = await filtered(input);
    expect(lines).toEqual([A]);
    expect(error).toBeInstanceOf(ExportError);
    expect(error).toEqual((await decodedLines(input, {})).error);
    const faults: number[] = [];
    const rest = await filtered(input, DROPPED, { onBadLine: ({ line }) => faults.push(line ?? 0) });
    expect(rest).toEqual({ lines: [A, C], error: undefined });
    expect(faults).toEqual([3]);
  });

  test("reports lines above maxLineBytes", async () => {
    const { lines, error } = await filtered([A, flow("x".repeat(200), "DROPPED"), C].join("\n"), DROPPED, {
      maxLineBytes: 100,
    });
    expect(lines).toEqual([A]);
    expect(error).toMatchObject({ code: "malformed_export", line: 2 });
  });

  test("throws for invalid arguments from the call", () => {
    expect(() => filterExport(5 as never, DROPPED)).toThrow(/^filterExport: input must be/);
    expect(() => filterExport(A, undefined as never)).toThrow(
      /^filterExport: filters must be an object with/,
    );
    expect(() => filterExport(A, { allow: [{ sourceIp: ["x"] }] })).toThrow(/allow\[0\]\.source_ip\[0\]/);
    expect(() => filterExport(A, DROPPED, { bad: 1 } as never)).toThrow(/bad/);
  });
});

describe("decodeExport with a filter", () => {
  test("yields the matching events", async () => {
    const input = [A, B, "", C, B].join("\n");
    expect((await decodedLines(input, { filter: DROPPED })).lines).toEqual([A, C]);
    expect((await decodedLines(input, { filter: compileFlowFilter({ uuid: ["b"] }) })).lines).toEqual([B, B]);
  });

  test("reports unknown fields of matching events only", async () => {
    const names: string[] = [];
    const input = [A, B].map((line) => line.replace('"flow":{', '"flow":{"new_field":1,')).join("\n");
    const filter = { allow: [{ uuid: ["a"] }] };
    for await (const _ of decodeExport(input, {
      filter,
      onUnknownField: ({ line }) => names.push(String(line)),
    }));
    expect(names).toEqual(["1"]);
  });

  test("rejects invalid filters from the call", () => {
    expect(() => decodeExport(A, { filter: 5 as never })).toThrow(/filter: must be an object/);
    expect(() => decodeExport(A, { filter: { allow: [{ sourceIp: ["x"] }] } })).toThrow(/source_ip/);
  });
});

/** Lines of all kinds, some damaged. */
const anyLine = fc.oneof(
  fc.constantFrom(
    A,
    B,
    C,
    A,
    B,
    C,
    "",
    " ",
    "{",
    "}",
    `${A},`,
    `  ${A}`,
    `[${A},`,
    "]",
    `[${A}]`,
    "{}",
    "x",
    "\0\0",
  ),
  fc.constantFrom(
    `\0\0${A}`,
    `${A.slice(0, 15)}\0\0${C}`,
    '{"verdict":"DROPPED","message":"x"}',
    JSON.stringify({ log: `${A}\n`, stream: "stdout" }),
    JSON.stringify({ log: A.slice(0, 30), stream: "stdout" }),
    JSON.stringify({ log: `${A.slice(30)}\n`, stream: "stdout" }),
    '{\n"flow": {"verdict":\n"DROPPED"}\n}',
    '{\n"flow": {"verdict":\n"DROPPED"',
  ),
  fc.tuple(fc.constantFrom(A, C), fc.nat(60)).map(([line, at]) => line.slice(0, at)),
);

test("filterExport and decodeExport with a filter: events and faults are those of decoding all lines", async () => {
  const matches = compileFlowFilters(DROPPED);
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLine, { maxLength: 12 }),
      fc.integer({ min: 1, max: 300 }),
      async (parts, size) => {
        const bytes = utf8.encode(parts.join("\n"));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
        const faults = { all: [] as string[], decoded: [] as string[], filtered: [] as string[] };
        const wanted: string[] = [];
        const onBadLine = ({ message }: ExportError) => void faults.all.push(message);
        for await (const event of decodeExport(chunks, { onBadLine })) {
          if (matches(event)) wanted.push(encodeExportLine(event));
        }
        const decoded = await decodedLines(chunks, {
          filter: DROPPED,
          onBadLine: ({ message }) => void faults.decoded.push(message),
        });
        expect(decoded).toEqual({ lines: wanted, error: undefined });
        const { lines } = await filtered(chunks, DROPPED, {
          onBadLine: ({ message }) => void faults.filtered.push(message),
        });
        const printed = await decodedLines(lines.join("\n"), {});
        expect(printed).toEqual({ lines: wanted, error: undefined });
        expect(faults.decoded).toEqual(faults.all);
        expect(faults.filtered).toEqual(faults.all);
      },
    ),
    { numRuns: runs(2000) },
  );
});

test("filterExport: yields the matching lines of the corpus", async () => {
  const lines = encodedFlows()
    .slice(0, 1000)
    .map((bytes) => encodeExportLine(flowResponse(decodeFlow(bytes))));
  const matches = compileFlowFilters(DROPPED);
  const wanted = lines.filter((line) => matches.jsonLine(utf8.encode(line)));
  expect((await filtered(lines.join("\n"))).lines).toEqual(wanted);
  expect(wanted.length).toBeGreaterThan(100);
});

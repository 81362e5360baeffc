import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromJson, type JsonObject, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileFlowFilter,
  compileFlowFilters,
  ExportLineError,
  type FlowFilterInit,
  type FlowPredicate,
} from "../../src/filter/index.js";
import { decodeExport, encodeExportLine, flowResponse } from "../../src/observer/index.js";
import { decodeFlow, FlowSchema } from "../../src/proto.js";
import { benchmarkFilters, encodedFlows } from "../bench/inputs/corpus.js";
import { everyNth, isLong, nth, runs } from "../support/amount.js";
import { randomOf } from "../support/random.js";
import { DAMAGES, lineJson, rewriteJson } from "../support/rewrite-json.js";
import { anyFlow, flowAndFilter } from "./arbitrary.js";

const RUNS = runs(3000);

const utf8 = new TextEncoder();

/** The answer for a line by decoding it; undefined if it does not decode to one event, or is an envelope. */
async function decoded(predicate: FlowPredicate, line: Uint8Array): Promise<boolean | undefined> {
  const answers: boolean[] = [];
  try {
    // Text before or after an object makes it an envelope, which only decodeExport reads.
    JSON.parse(new TextDecoder().decode(line));
    for await (const event of decodeExport(line)) answers.push(predicate(event));
  } catch {
    return undefined;
  }
  return answers.length === 1 ? answers[0] : undefined;
}

/** White space that makes a line too long for the buffer into which short lines are copied. */
const LONG_SPACE = new Uint8Array(16 * 1024).fill(0x20);

/** The answer of jsonLine; undefined if it throws the error for damaged lines. */
function scanned(predicate: FlowPredicate, line: Uint8Array): boolean | undefined {
  const answer = scannedOnce(predicate, line);
  const long = Buffer.concat([LONG_SPACE, line]);
  if (line[0] !== 0xef && scannedOnce(predicate, new Uint8Array(long)) !== answer) {
    throw new Error(`jsonLine is not ${answer} after white space, for ${new TextDecoder().decode(line)}`);
  }
  return answer;
}

function scannedOnce(predicate: FlowPredicate, line: Uint8Array): boolean | undefined {
  // Bytes around the line, which must not be read.
  const inside = new Uint8Array(line.length + 8).fill(0x22);
  inside.set(line, 4);
  try {
    return predicate.jsonLine(inside, 4, 4 + line.length);
  } catch (error) {
    if (!(error instanceof ExportLineError)) throw error;
    expect(error.code).toBe("malformed_export");
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(line.length);
    return undefined;
  }
}

async function expectSame(predicate: FlowPredicate, text: string | Uint8Array): Promise<boolean> {
  const line = typeof text === "string" ? utf8.encode(text) : text;
  const wanted = await decoded(predicate, line);
  const answer = scanned(predicate, line);
  if (wanted !== undefined && answer !== wanted) {
    throw new Error(`jsonLine is ${answer}, not ${wanted}, for ${new TextDecoder().decode(line)}`);
  }
  return wanted !== undefined;
}

const dropped = compileFlowFilter({ verdict: ["DROPPED"] });

describe("jsonLine: lines", () => {
  test.each([
    ['{"flow":{"verdict":"DROPPED"}}', true],
    ['{"flow":{"verdict":"FORWARDED"},"node_name":"n"}', false],
    ['{"node_name":"n","time":"2026-11-22T00:00:00Z","flow":{"verdict":2}}', true],
    ['{"verdict":"DROPPED","node_name":"n"}', true],
    ['{"node_name":"n","uuid":"1"}', false],
    ['\ufeff{"flow":{"verdict":"DROPPED"}}', true],
    [' {"flow" : { "verdict" :\t"DROPPED" } } \r\n', true],
    ['{"\\u0066low":{"v\\u0065rdict":"DR\\u004fPPED"}}', true],
    ['{"flow":{"uuid":"\\"verdict\\":","verdict":"DROPPED"}}', true],
    ['{"flow":{"uuid":"a\\\\","verdict":"DROPPED"}}', true],
    ['{"flow":{"future":{"verdict":[{"a":"}"}]},"verdict":"DROPPED"}}', true],
    ['{"flow":{"verdict":"VERDICT_OF_THE_FUTURE"}}', false],
    ['{"flow":{"verdict":null}}', false],
    ['{"flow":{"verdict":2.0}}', true],
    ['{"flow":{"verdict":0.2e1}}', true],
    ['{"flow":{"verdict":"DROPPED"},"message":"{}"}', true],
    ['{"flow":null}', false],
    ['{"lost_events":{"source":"PERF_EVENT_RING_BUFFER"}}', false],
    ['{"agent_event":{"type":"AGENT_STARTED"}}', false],
  ])("%s", async (text, wanted) => {
    const line = utf8.encode(text);
    expect(dropped.jsonLine(line)).toBe(wanted);
    expect(await decoded(dropped, line)).toBe(wanted);
  });

  test.each([
    ["", 0],
    ["nonsense", 0],
    ["{}", 1],
    ["[]", 0],
    ['"flow"', 0],
    ['{"flow":{"verdict":"DROPPED"}', 29],
    ['{"flow":{"verdict":"DROPPED"}} x', 31],
    ['{"flow":{"verdict":"DROPPED",}}', 29],
    ['{"flow":{"verdict":"DROPPED"}},', 30],
    ['{"flow":{"verdict":"DRO', 19],
    ['{"flow":{"verdict":}}', 19],
    ['{"flow":{"verdict":tru}}', 19],
    ['{"flow":{"verdict":"\\q"}}', 19],
    ['{"flow":{"verdict":[]}}', 19],
    ['{"flow":{"verdict":1.5}}', 19],
    ['{"flow":{"verdict":"DROPPED","verdict":"DROPPED"}}', 29],
    ['{"flow":{"uuid":"1","uuid":"2"}}', 20],
    ['{"flow":[]}', 1],
    ['{"flow":{},"flow":{}}', 11],
    ['{"flow":{},"node_name":"a","nodeName":"b"}', 27],
    ['{"node_name":"n"}', 0],
    ['{"log":"{}","stream":"stdout"}', 0],
  ])("throws for %s", (text, offset) => {
    const line = utf8.encode(text);
    const inside = utf8.encode(`}}"]${text}`);
    for (const scan of [() => dropped.jsonLine(line), () => dropped.jsonLine(inside, 4)]) {
      let thrown: unknown;
      try {
        scan();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(ExportLineError);
      expect(thrown).toMatchObject({ code: "malformed_export", offset });
    }
  });

  test("throws for bytes that are not UTF-8 in a value that is read", () => {
    const line = utf8.encode('{"flow":{"uuid":"?"}}');
    line[17] = 0xff;
    expect(() => compileFlowFilter({ uuid: ["1"] }).jsonLine(line)).toThrow(
      /^not valid UTF-8 \(at byte 16\)$/,
    );
    expect(dropped.jsonLine(line)).toBe(false);
  });

  test("ignores damage in values that no filter reads", () => {
    expect(dropped.jsonLine(utf8.encode('{"flow":{"uuid":tru,"IP":{"source":1},"verdict":"DROPPED"}}'))).toBe(
      true,
    );
  });

  test("reads the cases of protocols, not their fields", () => {
    const matches = compileFlowFilter({ protocol: ["tcp", "dns"] });
    const answer = (flow: string) => matches.jsonLine(utf8.encode(`{"flow":${flow}}`));
    expect(answer('{"l4":{"TCP":{"source_port":tru}}}')).toBe(true);
    expect(answer('{"l4":{"UDP":{"source_port":53}},"l7":{"type":[1],"dns":{"query":1}}}')).toBe(true);
    expect(answer('{"l4":{"UDP":{"source_port":tru}},"l7":{"http":{}}}')).toBe(false);
    expect(answer('{"l4":{"TCP":null}}')).toBe(false);
    expect(() => answer('{"l4":{"TCP":{},"UDP":{}}}')).toThrow(ExportLineError);
  });

  test("reads fields of a protocol besides the case", () => {
    const matches = compileFlowFilter({ protocol: ["tcp"], tcpFlags: [{ SYN: true }], sourcePort: ["80"] });
    const answer = (tcp: string) => matches.jsonLine(utf8.encode(`{"flow":{"l4":${tcp}}}`));
    expect(answer('{"TCP":{"source_port":80,"flags":{"SYN":true}}}')).toBe(true);
    expect(answer('{"TCP":{"source_port":81,"flags":{"SYN":true}}}')).toBe(false);
    expect(answer('{"UDP":{"source_port":80}}')).toBe(false);
  });

  test("throws a TypeError for invalid arguments", () => {
    const line = utf8.encode('{"flow":{}}');
    expect(() => dropped.jsonLine("{}" as never)).toThrow(/^jsonLine: line must be a Uint8Array/);
    expect(() => dropped.jsonLine(undefined as never)).toThrow(/^jsonLine: line must be a Uint8Array/);
    expect(() => dropped.jsonLine(line, -1)).toThrow(/^jsonLine: start must be an integer from 0/);
    expect(() => dropped.jsonLine(line, 0, 1.5)).toThrow(/^jsonLine: end must be an integer from 0/);
    expect(() => dropped.jsonLine(line, "0" as never)).toThrow(TypeError);
    expect(() => dropped.jsonLine(line, 0, 99)).toThrow(
      /^jsonLine: end must not be above the length of line, 11$/,
    );
    expect(() => dropped.jsonLine(line, 5, 4)).toThrow(/^jsonLine: start must not be above end, 4$/);
  });

  test("skips deeply nested values", () => {
    const deep = `${'{"a":['.repeat(100_000)}1${"]}".repeat(100_000)}`;
    expect(dropped.jsonLine(utf8.encode(`{"flow":{"x":${deep},"verdict":"DROPPED"}}`))).toBe(true);
    expect(() => dropped.jsonLine(utf8.encode(`{"flow":{"x":${'{"a":['.repeat(100_000)}`))).toThrow(
      ExportLineError,
    );
  });

  test("does not keep values of earlier lines", () => {
    const predicate = compileFlowFilter({
      sourcePod: ["a/b"],
      sourceLabel: ["x"],
      protocol: ["tcp"],
      reply: [true],
    });
    const full =
      '{"flow":{"source":{"namespace":"a","pod_name":"b","labels":["x"]},"l4":{"TCP":{}},"is_reply":true}}';
    expect(predicate.jsonLine(utf8.encode(full))).toBe(true);
    for (const less of [
      '{"flow":{}}',
      '{"flow":{"source":{"namespace":"a","pod_name":"b"},"l4":{"TCP":{}},"is_reply":true}}',
      '{"flow":{"source":{"namespace":"a","labels":["x"]},"l4":{"TCP":{}},"is_reply":true}}',
      '{"flow":{"source":{"namespace":"a","pod_name":"b","labels":["x"]},"l4":{},"is_reply":true}}',
      '{"flow":{"source":{"namespace":"a","pod_name":"b","labels":["x"]},"l4":{"TCP":{}},"is_reply":null}}',
    ]) {
      expect(predicate.jsonLine(utf8.encode(less))).toBe(false);
      expect(predicate.jsonLine(utf8.encode(full))).toBe(true);
    }
  });
});

interface Vector {
  readonly allow: FlowFilterInit[];
  readonly deny: FlowFilterInit[];
  readonly flow?: JsonObject | null;
}

const vectors = everyNth(
  10,
  gunzipSync(readFileSync(join(import.meta.dirname, "../vectors/flow-filters.jsonl.gz")))
    .toString()
    .trimEnd()
    .split("\n"),
).map((line): Vector => JSON.parse(line));

test(`jsonLine: has the recorded answers${nth(10)}`, async () => {
  let compared = 0;
  for (const { allow, deny, flow } of vectors) {
    if (!flow) continue;
    let predicate: FlowPredicate;
    try {
      predicate = compileFlowFilters({ allow, deny });
    } catch {
      continue;
    }
    const message = fromJson(FlowSchema, flow);
    const texts = [
      `{"flow":${JSON.stringify(flow)}}`,
      encodeExportLine(flowResponse(message)),
      `{"flow":${toJsonString(FlowSchema, message)}}`,
      `{"flow":${toJsonString(FlowSchema, message, { enumAsInteger: true })}}`,
    ];
    for (const text of texts) {
      compared++;
      expect(predicate.jsonLine(utf8.encode(text)), text).toBe(predicate(message));
    }
  }
  expect(compared).toBeGreaterThan(isLong ? 20_000 : 2000);
});

test(`jsonLine: answers for the lines of the corpus as for its flows${nth(20)}`, () => {
  const flows = everyNth(20, encodedFlows()).map(decodeFlow);
  const lines = flows.map((flow) => utf8.encode(encodeExportLine(flowResponse(flow))));
  for (const { name, allow = [], deny = [] } of benchmarkFilters()) {
    const predicate = compileFlowFilters({ allow, deny });
    lines.forEach((line, index) => {
      expect(predicate.jsonLine(line), `${name}, flow ${index}`).toBe(predicate(flows[index]!));
    });
  }
});

describe("jsonLine: the answer of decoding", () => {
  const anyLine = fc.tuple(
    fc.oneof(flowAndFilter, fc.record({ flow: anyFlow, filter: fc.constant({}) })),
    fc.nat(2),
    fc.nat(),
  );

  test("for rewritten lines", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(anyLine, async ([{ flow, filter }, form, seed]) => {
        const predicate = compileFlowFilter(filter as FlowFilterInit);
        if (await expectSame(predicate, rewriteJson(lineJson(flow, form), randomOf(seed)))) compared++;
      }),
      { numRuns: RUNS },
    );
    expect(compared).toBeGreaterThan(RUNS / 4);
  });

  test("for lines one after the other", async () => {
    const lines = fc.array(fc.tuple(anyFlow, fc.nat(2), fc.nat(), fc.boolean()), {
      minLength: 2,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(flowAndFilter, lines, async ({ flow, filter }, others) => {
        const predicate = compileFlowFilter(filter as FlowFilterInit);
        const own = rewriteJson(lineJson(flow, 0), randomOf(1));
        await expectSame(predicate, own);
        for (const [other, form, seed, isCut] of others) {
          const text = rewriteJson(lineJson(other, form), randomOf(seed));
          // A line that ends in the middle has filled some fields.
          await expectSame(predicate, isCut ? text.slice(0, seed % text.length) : text);
          await expectSame(predicate, own);
        }
      }),
      { numRuns: Math.ceil(RUNS / 5) },
    );
  });

  test("for damaged lines", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLine,
        fc.constantFrom(...DAMAGES),
        async ([{ flow, filter }, form, seed], mutate) => {
          const predicate = compileFlowFilter(filter as FlowFilterInit);
          const random = randomOf(seed);
          await expectSame(predicate, mutate(rewriteJson(lineJson(flow, form), random), random));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("for random bytes in lines", async () => {
    await fc.assert(
      fc.asyncProperty(anyLine, fc.nat(255), async ([{ flow, filter }, form, seed], byte) => {
        const predicate = compileFlowFilter(filter as FlowFilterInit);
        const line = utf8.encode(rewriteJson(lineJson(flow, form), randomOf(seed)));
        line[seed % line.length] = byte;
        await expectSame(predicate, line);
      }),
      { numRuns: RUNS },
    );
  });

  test("for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (line) => {
        scanned(dropped, line);
      }),
      { numRuns: RUNS },
    );
  });
});

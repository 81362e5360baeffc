import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { create, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { compileFlowFilters, type FlowFilterLists } from "../../src/filter/index.js";
import { decodeFlow, type Flow, FlowSchema, GetFlowsResponseSchema } from "../../src/proto.js";
import { benchmarkFilters, encodedFlows } from "../bench/inputs/corpus.js";
import { flowAndFilter, sensibleFilter } from "../filter/arbitrary.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { mutateMessage } from "../support/mutate-message.js";
import { below, pick, type Random, randomOf } from "../support/random.js";
import { DAMAGES, lineJson, rewriteJson } from "../support/rewrite-json.js";
import { type Comparison, compareFlow, compareLine, compareResponse, type Difference } from "./compare.js";

/** The inputs of a round. */
export const ROUND_INPUTS = 6000;

const CASES = 30;
const INPUTS_PER_CASE = ROUND_INPUTS / CASES;
/** Inputs that are derived from one rewritten line. */
const LINE_VARIANTS = 3;

/** White space that makes a line too long for the buffer into which short lines are copied. */
const LONG_SPACE = new Uint8Array(16 * 1024).fill(0x20);

/** A difference, and the filters and the input that show it: a message in hexadecimal, or a line. */
export interface Finding extends Difference {
  readonly lists: FlowFilterLists;
  readonly input: string;
}

export interface RoundResult {
  readonly inputs: number;
  /** Inputs that were decoded whole; the others are damaged. */
  readonly decoded: number;
  readonly findings: readonly Finding[];
}

/** A flow, and filters for it. */
interface Case {
  readonly lists: FlowFilterLists;
  readonly flow: Flow;
}

interface Vector {
  readonly allow: FlowFilterLists["allow"];
  readonly deny: FlowFilterLists["deny"];
  readonly flow?: JsonObject | null;
  readonly expect: boolean | "error";
}

const corpus = encodedFlows();
const benchmarks = benchmarkFilters();
const vectors = gunzipSync(readFileSync(join(import.meta.dirname, "../vectors/flow-filters.jsonl.gz")))
  .toString()
  .trimEnd()
  .split("\n")
  .map((line): Vector => JSON.parse(line))
  .filter(({ flow, expect }) => flow && expect !== "error");
const anyFlow = arbitraryMessage(FlowSchema);
const anyResponse = arbitraryMessage(GetFlowsResponseSchema);
const utf8 = new TextEncoder();

/**
 * Evaluates filters on mutated messages and lines, and compares the answers with those for events that are decoded whole.
 * Seed and number of a round determine all of its inputs, also their order: predicates reuse messages, so that a
 * difference may depend on the inputs before.
 */
export function runRound(seed: number, round: number): RoundResult {
  const random = randomOf(seed ^ Math.imul(round + 1, 0x9e3779b1));
  const cases = casesOf(random);
  const messages = cases.map(({ flow }) => toBinary(FlowSchema, flow));
  const responses = [
    ...messages.map(responseOf),
    ...sample(anyResponse, 5, random).map((response) => toBinary(GetFlowsResponseSchema, response)),
  ];
  const findings: Finding[] = [];
  let decoded = 0;
  let inputs = 0;
  for (const [index, { lists, flow }] of cases.entries()) {
    const predicate = compileFlowFilters(lists);
    const add = ({ isDecoded, difference }: Comparison, input: () => string) => {
      inputs++;
      if (isDecoded) decoded++;
      if (difference !== undefined) findings.push({ ...difference, lists, input: input() });
    };
    let left = INPUTS_PER_CASE;
    while (left > 0) {
      const kind = random();
      if (kind < 0.3) {
        const bytes = mutateMessage(messages[index]!, messages, random);
        add(compareFlow(predicate, bytes), () => Buffer.from(bytes).toString("hex"));
        left--;
      } else if (kind < 0.6) {
        const base = random() < 0.1 ? pick(random, responses) : responses[index]!;
        const bytes = mutateMessage(base, responses, random);
        add(compareResponse(predicate, bytes), () => Buffer.from(bytes).toString("hex"));
        left--;
      } else {
        for (const line of linesOf(flow, Math.min(LINE_VARIANTS, left), random)) {
          add(compareLine(predicate, line), () => new TextDecoder().decode(line));
          left--;
        }
      }
    }
  }
  return { inputs, decoded, findings };
}

/** Flows of all origins with filters that are made for them, or for others. */
function casesOf(random: Random): Case[] {
  const filters = sample(sensibleFilter, CASES, random);
  const own = sample(flowAndFilter, CASES / 3, random);
  const flows = sample(anyFlow, CASES / 10, random);
  const someFilters = (): FlowFilterLists => {
    const list = Array.from({ length: below(random, 4) }, () => pick(random, filters));
    return random() < 0.7 ? { allow: list } : { allow: [], deny: list };
  };
  return Array.from({ length: CASES }, (_, index): Case => {
    const one = own[index];
    if (one !== undefined) {
      const lists = random() < 0.7 ? { allow: [one.filter] } : { deny: [one.filter] };
      return { flow: one.flow, lists };
    }
    const other = flows[index - own.length];
    if (other !== undefined) return { flow: other, lists: someFilters() };
    const { allow = [], deny = [], flow } = pick(random, vectors);
    const recorded = fromJson(FlowSchema, flow!);
    const ofCorpus = decodeFlow(pick(random, corpus));
    switch (below(random, 4)) {
      case 0:
        return { flow: recorded, lists: { allow, deny } };
      case 1: {
        const { allow: allowed = [], deny: denied = [] } = pick(random, benchmarks);
        return { flow: ofCorpus, lists: { allow: allowed, deny: denied } };
      }
      case 2:
        return { flow: ofCorpus, lists: { allow, deny } };
      default:
        return { flow: ofCorpus, lists: someFilters() };
    }
  });
}

function sample<T>(values: fc.Arbitrary<T>, numRuns: number, random: Random): T[] {
  return fc.sample(values, { numRuns, seed: below(random, 2 ** 31) });
}

/** A response as servers send it. */
function responseOf(flow: Uint8Array): Uint8Array {
  const rest = create(GetFlowsResponseSchema, { nodeName: "node", time: timestampFromMs(1_700_000_000_000) });
  const length = varint(flow.length);
  return Uint8Array.from([0x0a, ...length, ...flow, ...toBinary(GetFlowsResponseSchema, rest)]);
}

/** A varint. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** Lines of a flow: rewritten, and damaged in several places. */
function* linesOf(flow: Flow, count: number, random: Random): Generator<Uint8Array> {
  const text = rewriteJson(lineJson(flow, below(random, 3)), random);
  for (let index = 0; index < count; index++) {
    if (index === 0) {
      const line = utf8.encode(text);
      yield random() < 0.05 ? Buffer.concat([LONG_SPACE, line]) : line;
    } else if (index === 1) {
      const line = utf8.encode(text);
      line[below(random, line.length)] = below(random, 256);
      yield line;
    } else yield utf8.encode(pick(random, DAMAGES)(text, random));
  }
}

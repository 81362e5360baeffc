import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Case } from "./engine.js";

interface Vector {
  readonly allow?: readonly {
    readonly experimental?: { readonly cel_expression?: readonly string[] };
  }[];
  readonly deny?: readonly unknown[];
  readonly flow?: object | null;
  readonly expect: Case[2];
}

/**
 * An expression, a flow in protobuf JSON, and Hubble's answer: all of its vectors that ask a flow nothing but one
 * expression. An expression that fails is false.
 */
export const CEL_CASES: readonly Case[] = readVectors().flatMap(
  ({ allow = [], deny = [], flow, expect }): Case[] => {
    const [filter, ...others] = allow;
    const [expression, ...alternatives] = filter?.experimental?.cel_expression ?? [];
    const isPlain =
      filter !== undefined && Object.keys(filter).length === 1 && others.length + deny.length === 0;
    if (expression === undefined || alternatives.length > 0 || !isPlain || !flow) return [];
    return [[expression, JSON.stringify(flow), expect]];
  },
);

function readVectors(): Vector[] {
  const path = join(import.meta.dirname, "../../test/vectors/flow-filters.jsonl.gz");
  return gunzipSync(readFileSync(path))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

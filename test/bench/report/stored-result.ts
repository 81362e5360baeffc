import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "./environment.js";
import type { BenchmarkResult } from "./result.js";

/** A result and where it was measured, as it is stored beside the charts. */
export interface StoredResult extends BenchmarkResult {
  readonly measured: Environment;
}

const SIGNIFICANT_DIGITS = 4;

/** Replaces the stored result of a benchmark. */
export function storeResult(folder: string, name: string, result: StoredResult): void {
  const rounded = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(SIGNIFICANT_DIGITS)) : value;
  writeFileSync(fileOf(folder, name), `${JSON.stringify(result, rounded, 1)}\n`);
}

/** The stored result of a benchmark; undefined before its first run. */
export function readResult(folder: string, name: string): StoredResult | undefined {
  const path = fileOf(folder, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

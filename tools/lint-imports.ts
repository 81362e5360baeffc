// Checks that the modules of src/ import downwards only; part of `npm run lint`. docs/architecture.md explains the levels.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

/** The modules from low to high. A module may import those of lower levels. */
export const LEVELS: readonly (readonly string[])[] = [
  ["errors", "go", "async", "bytes", "gen", "net"],
  ["hubble", "message", "regex"],
  ["cel", "packet"],
  ["filter", "pcap"],
  ["observer", "recorder", "source"],
  ["sink", "rpc", "broker", "nats", "kafka"],
  ["collect", "metrics"],
  ["testing"],
  ["cli"],
];

/** Imports within a level, as `importer → imported`. */
export const WITHIN_LEVEL: readonly string[] = [
  "async → errors",
  "bytes → async",
  "net → errors",
  "net → go",
  "errors → go",
  "errors → bytes",
  "source → observer",
  "nats → broker",
  "kafka → broker",
];

/**
 * The imports that are not allowed, one line each with file and line number.
 *
 * @param folder The folder that holds the modules.
 */
export function findImportFaults(folder: string): string[] {
  const faults: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    const from = moduleOf(folder, path);
    // Entry points at the root may import everything.
    if (from === undefined) continue;
    const text = readFileSync(path, "utf8");
    for (const { fileName, pos } of ts.preProcessFile(text).importedFiles) {
      if (!fileName.startsWith(".")) continue;
      const to = moduleOf(folder, join(dirname(path), fileName));
      if (to === from || isAllowed(from, to)) continue;
      const line = text.slice(0, pos).split("\n").length;
      const what = to === undefined ? "an entry point" : `the module ${to}`;
      faults.push(`${relative(dirname(folder), path)}:${line} imports ${what}: ${describe(from)}`);
    }
  }
  return faults.sort();
}

function isAllowed(from: string, to: string | undefined): boolean {
  return to !== undefined && (levelOf(to) < levelOf(from) || WITHIN_LEVEL.includes(`${from} → ${to}`));
}

function levelOf(name: string): number {
  const level = LEVELS.findIndex((names) => names.includes(name));
  if (level < 0) throw new Error(`tools/lint-imports.ts: add the module ${name} to LEVELS`);
  return level;
}

/** Undefined for an entry point at the root. */
function moduleOf(folder: string, path: string): string | undefined {
  const [first, ...rest] = relative(folder, path).split(sep);
  return rest.length === 0 ? undefined : first;
}

function describe(from: string): string {
  const lower = LEVELS.slice(0, levelOf(from)).flat();
  const beside = WITHIN_LEVEL.filter((pair) => pair.startsWith(`${from} → `)).map(
    (pair) => pair.split(" → ")[1],
  );
  const allowed = [...lower, ...beside];
  return `${from} may import ${allowed.length === 0 ? "no other module" : `only ${allowed.join(", ")}`}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const faults = findImportFaults(join(import.meta.dirname, "../src"));
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

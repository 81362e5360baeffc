// Starting: each entry point imported by a program, and commands on a small capture, as processes beside a bare `node -e 0`.
// Processor time, because other programs on the machine change the time until the end several times as much.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { alternate, type Figures, inTemporaryFolder, processorTime, ROUNDS } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkTable,
  formatRatio,
  type Goal,
  ratioOf,
} from "./report/result.js";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const CLI = join(REPOSITORY, "dist/cli/main.js");
const CAPTURE = join(REPOSITORY, "examples/captures/sample.pcapng");

/** Milliseconds that importing an entry point may add to bare Node. */
const IMPORT_LIMITS_MS: Readonly<Record<string, number>> = { "flowscribe/filter": 60 };
/** How many times bare Node a command may take. */
const COMMAND_LIMITS: Readonly<Record<string, number>> = { observe: 2, "record -r": 2 };

export async function run(): Promise<BenchmarkResult> {
  const [imported, started] = await inTemporaryFolder((folder): [BenchmarkTable, BenchmarkTable] => {
    const imports = Object.fromEntries(
      entryPoints().map(({ name, file }, index) => {
        const program = join(folder, `${index}.mjs`);
        writeFileSync(program, `import ${JSON.stringify(file)};\n`);
        return [name, [program]];
      }),
    );
    const commands = {
      observe: [CLI, "observe", CAPTURE],
      "record -r": [CLI, "record", "--overwrite", "-r", CAPTURE, "-w", join(folder, "out.pcap")],
      "--help": [CLI, "--help"],
    };
    return [
      table("Processor time of importing an entry point", imports, (name, ours, node) =>
        goal(ours - node, IMPORT_LIMITS_MS[name], (limit) => `at most ${limit} ms more`),
      ),
      table("Processor time of a command on a capture of 93 kB", commands, (name, ours, node) =>
        goal(ours / node, COMMAND_LIMITS[name], (limit) => `at most ${limit} times`),
      ),
    ];
  });
  const slowest = Math.max(...started.rows.map((row) => ratioOf(row)!));
  const [ours, node] = imported.rows.find(({ name }) => name === "flowscribe/filter")!.figures;
  return {
    tables: [imported, started],
    gain:
      `Commands on a small capture take at most ${formatRatio(slowest)} times as long as Node alone, and importing ` +
      `\`flowscribe/filter\` adds ${(ours!.median - node!.median).toFixed(0)} ms.`,
  };
}

function entryPoints(): { name: string; file: string }[] {
  const { exports } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
  return Object.entries<{ default?: string }>(exports).flatMap(([path, { default: file }]) =>
    file === undefined ? [] : [{ name: `flowscribe${path.slice(1)}`, file: join(REPOSITORY, file) }],
  );
}

function table(
  title: string,
  programs: Readonly<Record<string, readonly string[]>>,
  goalOf: (name: string, ours: number, node: number) => Goal | undefined,
): BenchmarkTable {
  const measured: Readonly<Record<string, Figures>> = alternate(ROUNDS, {
    node: () => processorTime(process.execPath, ["-e", "0"]),
    ...Object.fromEntries(
      Object.entries(programs).map(([name, args]) => [name, () => processorTime(process.execPath, args)]),
    ),
  });
  const { node, ...others } = measured;
  const rows = Object.entries(others).map(([name, figures]) => {
    const goal = goalOf(name, figures.median, node!.median);
    return { name, figures: [figures, node], ...(goal && { goal }) };
  });
  return { title, unit: "ms", columns: ["flowscribe", "node -e 0"], rows };
}

function goal(value: number, limit: number | undefined, text: (limit: number) => string): Goal | undefined {
  return limit === undefined ? undefined : { text: text(limit), isMet: value <= limit };
}

// Compares encoded filtering with decoding whole, for millions of mutated messages and lines: npm run fuzz -- --help
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { type Finding, ROUND_INPUTS, runRound } from "./round.js";

const HELP = `npm run fuzz -- [options]

Evaluates filters on mutated messages and lines, and compares the answers with those for events that are decoded whole.
Exits with 1 if an answer differs.

  --inputs <number>  how many inputs to run, in rounds of ${ROUND_INPUTS}; 10,000,000 by default
  --seed <number>    the seed, from 0 to 2^32 - 1; a random one by default
  --round <number>   the round to start with, to continue a run or to repeat one; 0 by default
`;

/** How often progress is printed. */
const PROGRESS_MS = 10_000;
const MAX_FINDINGS = 20;

const { values: options } = parseArgs({
  options: {
    inputs: { type: "string", default: "10000000" },
    seed: { type: "string", default: String(randomInt(2 ** 32)) },
    round: { type: "string", default: "0" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) console.log(HELP);
else process.exitCode = run(integer("inputs"), integer("seed"), integer("round"));

function integer(name: "inputs" | "seed" | "round"): number {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new Error(`--${name} must be an integer from 0 to 2^32 - 1, not ${options[name]}`);
  }
  return value;
}

/** Returns the exit code. */
function run(wanted: number, seed: number, firstRound: number): number {
  const begun = performance.now();
  let printed = begun;
  let inputs = 0;
  let decoded = 0;
  let found = 0;
  const progress = (round: number) => {
    const rate = Math.round(inputs / ((performance.now() - begun) / 1000));
    const share = Math.round((100 * decoded) / Math.max(1, inputs));
    console.log(
      `${format(inputs)} inputs (${share}% valid), ${format(rate)} per second, ${found} differences; ` +
        `continue with --seed ${seed} --round ${round}`,
    );
  };
  console.log(`${format(wanted)} inputs: --seed ${seed} --round ${firstRound}`);
  let round = firstRound;
  while (inputs < wanted && found < MAX_FINDINGS) {
    const result = runRound(seed, round);
    inputs += result.inputs;
    decoded += result.decoded;
    found += result.findings.length;
    for (const finding of result.findings.slice(0, MAX_FINDINGS)) print(finding, seed, round);
    round++;
    if (performance.now() - printed >= PROGRESS_MS) {
      printed = performance.now();
      progress(round);
    }
  }
  progress(round);
  return found === 0 ? 0 : 1;
}

function print({ call, answer, expected, lists, input }: Finding, seed: number, round: number): void {
  console.log(
    `${call} is ${text(answer)}, not ${text(expected)} (--seed ${seed} --round ${round} --inputs ${ROUND_INPUTS})`,
  );
  console.log(`  filters: ${text(lists)}`);
  console.log(`  input: ${input}`);
}

function text(value: unknown): string {
  if (value === undefined) return "an error";
  if (value instanceof Error) return String(value);
  return JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));
}

function format(value: number): string {
  return value.toLocaleString("en-US");
}

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../src/cli/run.js";
import { fakeIo } from "./fake-io.js";

const GOLDEN = join(import.meta.dirname, "../golden/hubble-1.19");
const golden = (name: string) => gunzipSync(readFileSync(join(GOLDEN, `${name}.gz`)));

function rowsOf(name: string): string[][] {
  const [, ...lines] = golden(name).toString().trimEnd().split("\n");
  return lines.map((line) => line.split("\t"));
}

let directory: string;
let events: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "flowscribe-"));
  events = join(directory, "events.jsonl");
  writeFileSync(events, golden("events.jsonl"));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function observe(args: readonly string[], version = "1.19") {
  const io = fakeIo({ env: { FLOWSCRIBE_HUBBLE_VERSION: version } });
  const code = await runCli(["observe", ...args], io);
  return { code, out: io.out(), err: io.err() };
}

/** The text of the error without the name of the program, and without the hint that follows. */
function faultOf(err: string): string {
  return (err.split("\n")[0] ?? "").replace(/^flowscribe( observe)?: /, "");
}

/** Values that `observe` checks more strictly, and a text. */
const KNOWN: Readonly<Record<string, string>> = {
  '["-o",""]': "the space before the line end is kept",
  '["--time-format","nosuch"]': "unknown values are rejected",
  '["--color","nosuch"]': "unknown values are rejected",
};

describe("flowscribe observe --hubble-version 1.19 --print-raw-filters", () => {
  const rows = rowsOf("observe-flags.tsv").map(([args = "", exit, out = "", error = ""]) => ({
    args: JSON.parse(args) as string[],
    exit: Number(exit),
    out: JSON.parse(out) as string,
    error: (JSON.parse(error) as string).trimEnd(),
  }));

  test("all recorded results are used", () => expect(rows.length).toBe(454));

  test("prints the filters and errors that hubble observe v1.19.4 prints", async () => {
    const differences: string[] = [];
    for (const { args, exit, out, error } of rows) {
      const got = await observe([...args, "--print-raw-filters"]);
      const same =
        exit === 0 ? got.code === 0 && got.out === out : got.code !== 0 && faultOf(got.err) === error;
      if (!same) differences.push(JSON.stringify(args));
    }
    expect(differences).toEqual(Object.keys(KNOWN));
  });
});

/**
 * The output as hubble prints it, which drops what it does not know: fields (a known one of SCTP is added by later
 * versions), agent events, and flows without an envelope. Here everything that can be read is kept.
 */
function withoutUnknown(out: string): string {
  return out
    .split("\n")
    .filter((line) => !line.startsWith('{"agent_event"') && !line.includes('"time":"2024-05-06T08:00:04Z"'))
    .join("\n")
    .replaceAll(',"chunk_type":"INIT"', "")
    .replaceAll(',"nonexistent_field":{"a":1}', "");
}

describe("flowscribe observe --hubble-version 1.19 -o jsonpb", () => {
  test("prints the events that hubble observe v1.19.4 prints", async () => {
    const differences: string[] = [];
    const rows = rowsOf("observe-matched.tsv");
    expect(rows.length).toBe(69);
    for (const [args = "", matched, answer] of rows) {
      const { code, out, err } = await observe([
        ...JSON.parse(args),
        "--input-file",
        events,
        "-o",
        "jsonpb",
        "-s",
      ]);
      const hash = createHash("sha256").update(withoutUnknown(out)).digest("hex").slice(0, 16);
      const same = matched === "error" ? code !== 0 && err.includes(JSON.parse(answer!)) : hash === answer;
      if (!same) differences.push(args);
    }
    expect(differences).toEqual([]);
  });
});

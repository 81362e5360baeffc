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

/** Flags of Hubble that `observe` lacks or checks more strictly; and texts of faults in raw filters without field names. */
const KNOWN: Readonly<Record<string, string>> = {
  '["--print-policy-names"]': "missing flag",
  '["--print-policy-names","--verdict","DROPPED"]': "missing flag",
  '["--print-policy-names=x"]': "missing flag",
  '["--print-policy-names","-o","jsonpb"]': "missing flag",
  '["-o",""]': "the space before the line end is kept",
  '["--time-format","nosuch"]': "unknown values are rejected",
  '["--color","nosuch"]': "unknown values are rejected",
  '["--allowlist","{\\"ip_trace_id\\":[\\"18446744073709551616\\"]}"]': "text of JSON faults",
  '["--allowlist","{\\"ip_trace_id\\":[\\"x\\"]}"]': "text of JSON faults",
  '["--allowlist","{\\"encrypted\\":[\\"true\\"]}"]': "text of JSON faults",
  '["--allowlist","{\\"drop_reason_desc\\":[\\"NOSUCH\\"]}"]': "text of JSON faults",
  '["--allowlist","{\\"verdict\\":[\\"nosuch\\"]}"]': "text of JSON faults",
  '["--allowlist","{\\"encrypted\\":[null]}"]': "text of JSON faults",
  '["-P"]': "missing flag",
  '["--port-forward-port","0"]': "missing flag",
  '["--port-forward-port","70000"]': "missing flag",
  '["--port-forward-port","x"]': "missing flag",
  '["--kube-context","k","--kube-namespace","n","--kubeconfig","/nonexistent"]': "missing flag",
  '["--request-timeout","5"]': "missing flag",
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

/** Selections that differ, each with the reason. */
const KNOWN_SELECTIONS: Readonly<Record<string, string>> = {
  "[]": "lost events need --lost-events",
  '["--unencrypted"]': "lost events need --lost-events",
  '["--not", "--encrypted"]': "lost events need --lost-events",
  '["--not", "--unencrypted"]': "lost events need --lost-events",
  '["--not", "--ip-trace-id", "42"]': "lost events need --lost-events",
  '["--ip-trace-id", "00"]': "lost events need --lost-events",
  '["--allowlist", "{\\"ip_trace_id\\":[\\"0\\"]}"]': "lost events need --lost-events",
  '["--allowlist", "{\\"ip_trace_id\\":[\\"0\\",\\"1\\"]}"]': "lost events need --lost-events",
  '["--not", "--protocol", "igmp"]': "lost events need --lost-events",
  '["--not", "--to-cluster", "c1"]': "lost events need --lost-events",
  '["--node-name", "c1/node-1"]': "a line without an event",
  '["--node-name", "c1/"]': "a line without an event",
  '["--node-name", "node-1"]': "a line without an event",
  '["--from-ip", "10.0.0.1"]': "a line without an event",
  '["--from-ip", "0.0.0.0/0"]': "a line without an event",
  '["--from-ip", "::ffff:10.0.0.0/104"]': "addresses are compared as 1.16 does",
  '["--from-ip", "10.0.0.0/08"]': "addresses are compared as 1.16 does",
  '["--from-ip", "fe80::1%eth0/64"]': "addresses are compared as 1.16 does",
  '["--last", "3"]': "lost events need --lost-events",
  '["--last", "3", "--unencrypted"]': "lost events need --lost-events",
  '["--since", "2024-05-06T07:02:00Z"]': "lost events need --lost-events",
  '["--until", "2024-05-06T07:00:35.300Z"]': "lost events need --lost-events",
  '["--since", "2024-05-06T07:00:35Z", "--until", "2024-05-06T07:00:44.5Z"]':
    "lost events need --lost-events",
  '["--uuid", ""]': "a line without an event",
  '["--trace-id", ""]': "lost events need --lost-events",
  '["--field-mask", "time,verdict"]': "lost events need --lost-events",
  '["--field-mask", "source.pod_name"]': "lost events need --lost-events",
  '["--use-default-field-masks"]': "lost events need --lost-events",
  '["--not", "--verdict", "FORWARDED"]': "lost events need --lost-events",
  '["--all"]': "lost events need --lost-events",
  '["--last", "0"]': "lost events need --lost-events",
  '["--first", "0"]': "lost events need --lost-events",
};

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
      const hash = createHash("sha256").update(out).digest("hex").slice(0, 16);
      const same = matched === "error" ? code !== 0 && err.includes(JSON.parse(answer!)) : hash === answer;
      if (!same) differences.push(args);
    }
    expect(differences).toEqual(Object.keys(KNOWN_SELECTIONS));
  });
});

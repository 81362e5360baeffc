import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository } from "../../support/run.js";

/** The built program: threads run bundled code. */
function observe(...args: readonly string[]) {
  const program = join(repository, "dist/cli/main.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "observe", ...args], {
    encoding: "utf8",
    cwd: folder,
  });
  return { status, stdout, stderr };
}

const line = (uuid: string, verdict: string) =>
  `{"flow":{"uuid":"${uuid}","verdict":"${verdict}"},"time":"2026-01-01T00:00:00Z"}\n`;
const LOST = '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"3"}}\n';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-"));
  writeFileSync(join(folder, "a.log"), `${line("a1", "DROPPED")}${LOST}${line("a2", "FORWARDED")}`);
  writeFileSync(
    join(folder, "b.log.gz"),
    gzipSync(`${line("b1", "FORWARDED")}not JSON\n${line("b2", "DROPPED")}`),
  );
  writeFileSync(join(folder, "c.log"), line("c1", "DROPPED"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("observe --jobs", () => {
  test.each([
    { args: ["-o", "raw", "--verdict", "DROPPED"] },
    { args: ["-o", "jsonpb", "--verdict", "DROPPED"] },
    { args: ["--aggregate-by", "verdict,uuid", "--verdict", "DROPPED"] },
    { args: ["-o", "raw", "--not", "--verdict", "FORWARDED"] },
    { args: ["-o", "raw", "--lost-events", "--not", "--verdict", "FORWARDED"] },
    { args: ["-o", "raw", "--last", "2"] },
    { args: ["-o", "raw", "--first", "1", "--verdict", "DROPPED"] },
    { args: ["-o", "raw", "--since", "2025-12-31T00:00:00Z", "--verdict", "DROPPED"] },
    { args: ["-o", "raw", "--hubble-version", "1.19", "--not", "--label", "app in (a,,)"] },
    { args: ["-o", "compact", "--first", "2"] },
  ])("prints and reports the same as one thread: $args", ({ args }) => {
    const files = [
      "a.log",
      "b.log.gz",
      "missing.log",
      join(repository, "examples/captures/sample.pcapng"),
      "c.log",
    ];
    const inputs = args.includes("raw") ? files.filter((file) => !file.endsWith(".pcapng")) : files;
    const one = observe(...args, ...inputs);
    const two = observe(...args, "--jobs", "2", ...inputs);
    expect({ status: two.status, stdout: two.stdout }).toEqual({ status: one.status, stdout: one.stdout });
    expect(two.stderr.split("\n").sort()).toEqual(one.stderr.split("\n").sort());
    expect(one.stdout).not.toBe("");
  });
});

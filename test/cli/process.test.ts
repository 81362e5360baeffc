// The built program as installed: a process with files, pipes and signals.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-code.js";
import { everyNth, nth } from "../support/amount.js";
import { repository, run } from "../support/run.js";
import { describeWithPrograms } from "../support/shared.js";
import { flowLine, podsOf } from "./fake-io.js";

const MAIN = join(repository, "dist/cli/main.js");
const CAPTURE = join(repository, "examples/captures/sample.pcap");
const LINES = ["a", "b", "c"].map((pod, second) => flowLine(pod, { second })).join("");

const folder = mkdtempSync(join(tmpdir(), "flowscribe-process-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function cli(args: readonly string[], input: string | Uint8Array = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    input,
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

function shell(script: string): { code: number | null; out: string; err: string } {
  const env = { ...process.env, MAIN, NODE: process.execPath, CAPTURE, FOLDER: folder };
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8", env });
  return { code: status, out: stdout, err: stderr };
}

test("flowscribe: is an executable program", () => {
  expect(readFileSync(MAIN, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  const { bin } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  expect(join(repository, bin.flowscribe)).toBe(MAIN);
});

describe("flowscribe: as a process", () => {
  test("reads files, gzip and standard input, and exits with 0", () => {
    const plain = file("a.log", LINES);
    const zipped = file("b.log.gz", gzipSync(flowLine("z")));
    const { code, out, err } = cli(["observe", plain, "-", zipped], flowLine("s"));
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
    expect(podsOf(out)).toEqual(["a", "b", "c", "s", "z"]);
  });

  test("reads a capture from standard input", () => {
    const { code, out } = cli(["observe", "--tcp-flags", "SYN", "--first", "2"], readFileSync(CAPTURE));
    expect(code).toBe(EXIT.ok);
    expect(out.match(/^.*TCP Flags: SYN.*$/gm)).toHaveLength(2);
  });

  const outcomes = [
    {
      args: ["observe", "--verdit", "x"],
      code: EXIT.usage,
      err: "unknown flag: --verdit\nDid you mean --verdict?\n",
    },
    { args: ["observe", "-o", "xml"], code: EXIT.usage, err: "invalid output format: xml\n" },
    {
      args: ["observ"],
      code: EXIT.usage,
      err: 'unknown command "observ" for "flowscribe"\nDid you mean "observe"?\n',
    },
    { args: ["observe", "/no/such"], code: EXIT.failed, err: "open /no/such: no such file or directory\n" },
    { args: ["observe", "/"], code: EXIT.failed, err: "read /: is a directory\n" },
    {
      args: ["observe", process.execPath],
      code: EXIT.failed,
      err: `${process.execPath}: not export lines but an ELF program`,
    },
    {
      args: ["observe", "--strict-input", "-"],
      code: EXIT.incomplete,
      err: "standard input: line 1: not JSON: ",
    },
  ];
  test.each(everyNth(4, outcomes))(`exits with $code for $args${nth(4)}`, ({ args, code, err }) => {
    const outcome = cli(args, "text\n");
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code, out: "" });
    expect(outcome.err.startsWith(err)).toBe(true);
  });
});

describeWithPrograms("flowscribe: pipes", ["bash", "head", "mkfifo"], () => {
  test("exits with 0 when standard output is a closed pipe", () => {
    file("long.log", LINES.repeat(20_000));
    const { out, err } = shell('"$NODE" "$MAIN" observe "$FOLDER/long.log" | head -n 1; echo "$PIPESTATUS"');
    expect(err).toBe("");
    expect(out.split("\n")[1]).toBe("0");
  });

  test("exits with 0 when standard error is a closed pipe", () => {
    const { out } = shell('"$NODE" "$MAIN" observe - <<< text 2>&1 >/dev/null | true; echo "$PIPESTATUS"');
    expect(out).toBe("0\n");
  });

  test("fails on a full disk", () => {
    const hasFull = statSync("/dev/full", { throwIfNoEntry: false }) !== undefined;
    const { code, err } = shell('"$NODE" "$MAIN" observe "$CAPTURE" > /dev/full');
    if (hasFull)
      expect({ code, err }).toEqual({ code: EXIT.failed, err: "write: no space left on device\n" });
  });

  test("reads named pipes and process substitutions", () => {
    file("p.log", LINES);
    const { out, code } = shell(
      [
        'mkfifo "$FOLDER/pipe"; (cat "$FOLDER/p.log" > "$FOLDER/pipe") &',
        '"$NODE" "$MAIN" observe "$FOLDER/pipe" <(gzip -c "$FOLDER/p.log")',
      ].join(" "),
    );
    expect({ pods: podsOf(out), code }).toEqual({ pods: ["a", "b", "c", "a", "b", "c"], code: EXIT.ok });
  });

  test("completes commands, flags, values and files in bash", () => {
    const cases = [
      { words: ["flowscribe", "ob"], replies: ["observe"] },
      {
        words: ["flowscribe", "observe", "--print"],
        replies: ["--print-node-name", "--print-policy-names", "--print-raw-filters"],
      },
      { words: ["flowscribe", "observe", "-o", "c"], replies: ["compact"] },
      { words: ["flowscribe", "observe", "--output", "=", "d"], replies: ["dict"] },
      { words: ["flowscribe", "observe", "--verdict", "D"], replies: ["DROPPED"] },
      { words: ["flowscribe", "observe", "--pod", ""], replies: [] },
      { words: ["flowscribe", "observe", "name"], replies: ["name with spaces.log"] },
      { words: ["flowscribe", "completion", ""], replies: ["bash", "zsh", "fish"] },
    ];
    file("name with spaces.log", "");
    const completions = cases.map(({ words }) => {
      const line = words.map((word) => `'${word}'`).join(" ");
      return `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _flowscribe; printf '%s\\n' "\${COMPREPLY[@]}" --`;
    });
    const { out, err } = shell(
      ['source <("$NODE" "$MAIN" completion bash)', 'cd "$FOLDER"', ...completions].join("\n"),
    );
    expect(err).toBe("");
    expect(out).toBe(cases.map(({ replies }) => [...replies, "--", ""].join("\n")).join(""));
  });
});

describe("flowscribe: signals", () => {
  const followed = file("followed.log", flowLine("a"));
  const cases = [
    { name: "SIGINT", args: ["-"], code: EXIT.interrupted },
    { name: "SIGINT", args: ["--follow", followed], code: EXIT.ok },
    { name: "SIGTERM", args: ["-"], code: EXIT.terminated },
    { name: "SIGTERM", args: ["--follow", followed], code: EXIT.ok },
    { name: "SIGHUP", args: ["-"], code: EXIT.hungUp },
    { name: "SIGHUP", args: ["--follow", followed], code: EXIT.ok },
  ] as const;
  test.each(everyNth(5, cases))(
    `$name ends $args with exit code $code${nth(5)}`,
    async ({ name, args, code }) => {
      const child = spawn(process.execPath, [MAIN, "observe", ...args], { stdio: "pipe" });
      child.stdin.write(flowLine("a"));
      const out = await firstOutput(child);
      const closed = closing(child);
      child.kill(name);
      expect(await closed).toEqual({ code, err: "" });
      expect(podsOf(out)).toEqual(["a"]);
    },
  );

  test("Ctrl-C prints the rows of the table received so far", async () => {
    const child = spawn(process.execPath, [MAIN, "observe", "-o", "table", "-"], { stdio: "pipe" });
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    // An invalid line: its message shows that the input was read.
    child.stdin.write(`${flowLine("a")}text\n`);
    await new Promise((resolve) => child.stderr.once("data", resolve));
    const closed = closing(child);
    child.kill("SIGINT");
    expect((await closed).code).toBe(EXIT.interrupted);
    expect(out).toMatch(/^TIMESTAMP +SOURCE .*\n.* shop\/a:40000 .*\n$/);
  });

  test("--follow prints lines that are added to a file", async () => {
    const path = file("growing.log", flowLine("a"));
    const child = spawn(process.execPath, [MAIN, "observe", "-f", path], { stdio: "pipe" });
    expect(podsOf(await firstOutput(child))).toEqual(["a"]);
    const next = firstOutput(child);
    appendFileSync(path, flowLine("b"));
    expect(podsOf(await next)).toEqual(["b"]);
    const closed = closing(child);
    child.kill("SIGINT");
    expect(await closed).toEqual({ code: EXIT.ok, err: "" });
  });
});

describeWithPrograms("flowscribe: named pipes", ["mkfifo"], () => {
  test("a pipe without a writer is interrupted by a signal", async () => {
    const pipe = join(folder, "silent");
    run("mkfifo", [pipe]);
    const child = spawn(process.execPath, [MAIN, "observe", "/no/such", pipe], { stdio: "pipe" });
    await new Promise((resolve) => child.stderr.once("data", resolve));
    const closed = closing(child);
    child.kill("SIGINT");
    expect((await closed).code).toBe(EXIT.interrupted);
  });
});

describeWithPrograms("flowscribe: a terminal", ["script", "bash"], () => {
  /** Runs in a pseudo-terminal and returns the output of both streams. */
  function onTerminal(command: string): string {
    const { NO_COLOR: _, ...inherited } = process.env;
    const env = { ...inherited, MAIN, NODE: process.execPath, FOLDER: folder, TERM: "xterm" };
    return spawnSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8", env }).stdout;
  }

  test("prints colors, unless NO_COLOR is set", () => {
    file("t.log", flowLine("a"));
    expect(onTerminal('"$NODE" "$MAIN" observe "$FOLDER/t.log"')).toContain("\u001b[36mshop/a");
    expect(onTerminal('NO_COLOR=1 "$NODE" "$MAIN" observe "$FOLDER/t.log"')).toContain(": shop/a:40000");
  });
});

async function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once("data", (bytes) => resolve(String(bytes))));
}

function closing(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = "";
  child.stderr?.on("data", (bytes) => {
    err += String(bytes);
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, err })));
}

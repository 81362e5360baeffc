// The built program as installed: a process with pipes and signals.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { packetsIn } from "../../pcap/read.js";
import { repository } from "../../support/run.js";
import { describeWithPrograms } from "../../support/shared.js";

const MAIN = join(repository, "dist/cli/main.js");
const CAPTURE = join(repository, "examples/captures/sample.pcap");
const PACKETS = 527;

const folder = mkdtempSync(join(tmpdir(), "flowscribe-record-process-"));
afterAll(() => rmSync(folder, { recursive: true }));

function shell(script: string): { code: number | null; out: string; err: string } {
  const env = { ...process.env, MAIN, NODE: process.execPath, CAPTURE, FOLDER: folder };
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8", env });
  return { code: status, out: stdout, err: stderr };
}

describe("record: standard output", () => {
  test("contains exactly the bytes of the capture", () => {
    const args = [MAIN, "record", "-r", CAPTURE, "-w", "-"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args);
    expect(status).toBe(EXIT.ok);
    expect(stdout.equals(readFileSync(CAPTURE))).toBe(true);
    expect(String(stderr)).toMatch(
      /^[-0-9T:]+Z Result: 527 packets \(\d+ bytes\) written\n[-0-9T:]+Z Output: -\n$/,
    );
  });

  test("accepts more bytes than the capacity of a pipe", async () => {
    const copies = Array.from({ length: 40 }, () => ["-r", CAPTURE]).flat();
    const { status, stdout } = spawnSync(process.execPath, [MAIN, "record", "-w", "-", ...copies], {
      maxBuffer: 2 ** 26,
    });
    expect(status).toBe(EXIT.ok);
    expect(await packetsIn(stdout)).toHaveLength(40 * PACKETS);
  });
});

describeWithPrograms("record: pipes", ["bash", "cat", "head", "mkfifo"], () => {
  test("reads and writes named pipes", async () => {
    const { code } = shell(
      'mkfifo "$FOLDER/out"; cat "$FOLDER/out" > "$FOLDER/copy" & ' +
        '"$NODE" "$MAIN" record -r <(cat "$CAPTURE") -w "$FOLDER/out" && wait',
    );
    expect(code).toBe(EXIT.ok);
    expect(readFileSync(join(folder, "copy")).equals(readFileSync(CAPTURE))).toBe(true);
  });

  test("a closed pipe is not an error", () => {
    const copies = '-r "$CAPTURE" '.repeat(40);
    const { out } = shell(
      `"$NODE" "$MAIN" record ${copies} -w - 2>/dev/null | head -c 10 | wc -c; echo "\${PIPESTATUS[0]}"`,
    );
    expect(out.trim().split(/\s+/)).toEqual(["10", "0"]);
  });
});

describeWithPrograms("record to tcpdump", ["bash", "tcpdump"], () => {
  test.each(["pcap", "pcapng"])("prints all packets of a recording to standard output: %s", (format) => {
    const { out } = shell(
      `"$NODE" "$MAIN" record -r "$CAPTURE" -w - --format ${format} 2>/dev/null | tcpdump -nr - 2>/dev/null`,
    );
    expect(out.trimEnd().split("\n")).toHaveLength(PACKETS);
  });
});

describe("record: signals", () => {
  test.each([
    { name: "SIGINT", code: EXIT.interrupted },
    { name: "SIGTERM", code: EXIT.terminated },
    { name: "SIGHUP", code: EXIT.hungUp },
  ] as const)("$name completes the capture and exits with $code", async ({ name, code }) => {
    const child = spawn(process.execPath, [MAIN, "record", "-r", "-", "-w", "-"], { stdio: "pipe" });
    const out: Buffer[] = [];
    const head = readFileSync(CAPTURE).subarray(0, 10_000);
    const closed = closing(child);
    const arrived = new Promise<void>((resolve) => {
      child.stdout.on("data", (bytes: Buffer) => {
        out.push(bytes);
        // All packets except the truncated one.
        if (Buffer.concat(out).length > 8_000) resolve();
      });
    });
    child.stdin.write(head);
    await arrived;
    child.kill(name);
    const outcome = await closed;
    const packets = await packetsIn(Buffer.concat(out));
    expect(outcome.code).toBe(code);
    expect(outcome.err).toMatch(
      new RegExp(
        `^Stopping recording\\.\\.\\.\\n.*Z Result: ${packets.length} packets .* written\\n.*Z Output: -\\n$`,
      ),
    );
    expect(head.subarray(0, Buffer.concat(out).length).equals(Buffer.concat(out))).toBe(true);
  });
});

describeWithPrograms("record: signals before the recording begins", ["mkfifo"], () => {
  function pipe(name: string): string {
    const path = join(folder, name);
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    return path;
  }

  test("interrupt the wait for a silent input", async () => {
    // The input before it fails, and its message on standard error shows that reading has begun.
    const args = [MAIN, "record", "-r", "/no/such", "-r", pipe("silent"), "-w", join(folder, "never")];
    const child = spawn(process.execPath, args, { stdio: "pipe" });
    const reported = new Promise((resolve) => child.stderr.once("data", resolve));
    const closed = closing(child);
    await reported;
    child.kill("SIGINT");
    expect((await closed).code).toBe(EXIT.interrupted);
    expect(existsSync(join(folder, "never"))).toBe(false);
  });

  test("interrupt the wait for a pipe that is not read", async () => {
    const args = [MAIN, "record", "-r", "/no/such", "-r", CAPTURE, "-w", pipe("unread")];
    const child = spawn(process.execPath, args, { stdio: "pipe" });
    const reported = new Promise((resolve) => child.stderr.once("data", resolve));
    const closed = closing(child);
    await reported;
    child.kill("SIGTERM");
    expect((await closed).code).toBe(EXIT.terminated);
  });
});

function closing(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = "";
  child.stderr?.on("data", (bytes) => {
    err += String(bytes);
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, err })));
}

import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { BrokenPipe } from "../../../src/cli/io/io.js";
import { runCli } from "../../../src/cli/run.js";
import { packetsIn } from "../../pcap/read.js";
import { fakeClock } from "../../support/fake-clock.js";
import { PATIENCE } from "../../support/patience.js";
import { run } from "../../support/run.js";
import { describeWithPrograms } from "../../support/shared.js";
import { fakeIo, oneTurn, outputOf, runFake } from "../fake-io.js";
import {
  capture,
  file,
  folder,
  idsIn,
  NOW_MS,
  record,
  SAMPLE,
  SAMPLE_NG,
  TIME,
  useFolders,
} from "./captures.js";

useFolders();

describe("record: outputs", () => {
  test("writes a file and prints the closing lines of hubble record", async () => {
    const input = await capture("in.pcap", [1, 2]);
    const path = join(folder, "out.pcap");
    expect(await record("-r", input, "-w", path)).toEqual({
      code: EXIT.ok,
      out: `${TIME} Result: 2 packets (92 bytes) written\n${TIME} Output: ${path}\n`,
      err: "",
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("names the file in a folder as the Recorder does", async () => {
    const input = await capture("in.pcap", [1]);
    mkdirSync(join(folder, "there"));
    const cases = [
      { args: ["-w", join(folder, "there")], name: `hubble_1744498115_\\d+_${hostname()}\\.pcap` },
      { args: ["-w", `${join(folder, "new")}/`], name: `hubble_1744498115_\\d+_${hostname()}\\.pcap` },
      {
        args: [
          "-w",
          `${join(folder, "own")}/`,
          "--file-prefix",
          "mine",
          "--node",
          "prod/node1",
          "--format",
          "pcapng",
        ],
        name: "mine_1744498115_\\d+_prod_node1\\.pcapng",
      },
    ];
    for (const { args, name } of cases) {
      const { code, out } = await record("-r", input, ...args);
      expect(code).toBe(EXIT.ok);
      expect(out).toMatch(new RegExp(`^${TIME} Result: .*\\n${TIME} Output: ${join(args[1]!, name)}\\n$`));
      expect(readdirSync(args[1]!)).toEqual([expect.stringMatching(new RegExp(`^${name}$`))]);
    }
  });

  test("writes to standard output, and the closing lines to standard error", async () => {
    const input = await capture("in.pcap", [1, 2]);
    for (const args of [[], ["--format", "pcapng"]]) {
      const io = fakeIo({ clock: fakeClock(NOW_MS) });
      expect(await runCli(["record", "-r", input, "-w", "-", ...args], io)).toBe(EXIT.ok);
      expect(io.out()).toBe("");
      expect(io.err()).toBe(`${TIME} Result: 2 packets (92 bytes) written\n${TIME} Output: -\n`);
      expect((await packetsIn(io.bytes())).map(({ seconds }) => seconds)).toEqual([1, 2]);
    }
  });

  test("writes a capture without packets to standard output", async () => {
    const empty = await capture("none.pcap", []);
    for (const format of ["pcap", "pcapng"]) {
      const io = fakeIo();
      expect(await runCli(["record", "-r", empty, "-w", "-", "--format", format], io)).toBe(EXIT.ok);
      expect(await packetsIn(io.bytes())).toEqual([]);
    }
  });

  test("exits with 0 when standard output is a closed pipe", async () => {
    const stdout = {
      write: () => {
        throw new BrokenPipe("nobody reads the output");
      },
    };
    const { code, err } = await runFake(["record", "-r", SAMPLE, "-w", "-"], { stdout });
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
  });

  test("keeps the recording when the output of the closing lines is a closed pipe", async () => {
    const stdout = {
      write: () => {
        throw new BrokenPipe("nobody reads the output");
      },
    };
    const path = join(folder, "out.pcap");
    expect((await runFake(["record", "-r", SAMPLE, "-w", path], { stdout })).code).toBe(EXIT.ok);
    expect(await packetsIn(readFileSync(path))).toHaveLength(527);
  });

  test("does not overwrite an existing file, unless requested", async () => {
    const input = await capture("in.pcap", [1]);
    const path = file("out.pcap", "mine");
    const { code, out, err } = await record("-r", input, "-w", path);
    expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
    expect(err).toBe(`${path}: file already exists; --overwrite replaces it\n`);
    expect(String(readFileSync(path))).toBe("mine");
    expect((await record("-r", input, "-w", path, "--overwrite")).code).toBe(EXIT.ok);
    expect(await idsIn(path)).toEqual([1]);
  });

  test("never overwrites an input", async () => {
    const input = await capture("in.pcap", [1]);
    const link = join(folder, "link.pcap");
    linkSync(input, link);
    for (const path of [input, link]) {
      const { code, err } = await record("-r", input, "-w", path, "--overwrite");
      expect(code).toBe(EXIT.usage);
      expect(err).toContain(`${path} is an input and cannot be overwritten\n`);
    }
    expect(await idsIn(input)).toEqual([1]);
  });
});

describe("record: rotation", () => {
  test("reports each file when it is complete, and the last one at the end", async () => {
    const input = await capture("in.pcap", [1, 2, 3]);
    const { code, out } = await record("-r", input, "-w", join(folder, "out.pcap"), "--rotate-size", "86");
    const path = (number: number) => join(folder, `out_0000${number}_20250412224835.pcap`);
    expect({ code, out }).toEqual({
      code: EXIT.ok,
      out: [
        `${TIME} Output: ${path(1)}`,
        `${TIME} Output: ${path(2)}`,
        `${TIME} Result: 3 packets (138 bytes) written`,
        `${TIME} Output: ${path(3)}`,
        "",
      ].join("\n"),
    });
    expect(await Promise.all([1, 2, 3].map((number) => idsIn(path(number))))).toEqual([[1], [2], [3]]);
  });

  test("rotates by time, in a ring, in a folder", async () => {
    const input = await capture("in.pcap", [1, 30, 60, 61, 90, 200]);
    const target = `${join(folder, "ring")}/`;
    const { code } = await record(
      "-r",
      input,
      "-w",
      target,
      "--rotate-time",
      "1m",
      "--ring",
      "2",
      "--format",
      "pcapng",
    );
    expect(code).toBe(EXIT.ok);
    const names = readdirSync(target).sort();
    expect(names).toEqual([
      expect.stringMatching(/^hubble_1744498115_\d+_.*_00002_20250412224835\.pcapng$/),
      expect.stringMatching(/^hubble_1744498115_\d+_.*_00003_20250412224835\.pcapng$/),
    ]);
    expect(await Promise.all(names.map((name) => idsIn(join(target, name))))).toEqual([[61, 90], [200]]);
  });
});

describe("record: the status line", () => {
  /** Standard input whose chunks the test sends. */
  function slowInput() {
    const waiting: ((chunk: Uint8Array | undefined) => void)[] = [];
    const chunks: (Uint8Array | undefined)[] = [];
    async function* read() {
      for (;;) {
        const chunk =
          chunks.length > 0
            ? chunks.shift()
            : await new Promise<Uint8Array | undefined>((resolve) => waiting.push(resolve));
        if (chunk === undefined) return;
        yield chunk;
      }
    }
    return {
      stdin: read(),
      send: async (chunk: Uint8Array | undefined) => {
        const next = waiting.shift();
        if (next === undefined) chunks.push(chunk);
        else next(chunk);
        // Wait until the chunk was read and the next read is pending: on a busy machine that takes many turns.
        if (chunk !== undefined)
          await vi.waitFor(() => expect(waiting).not.toEqual([]), { ...PATIENCE, interval: 1 });
        for (let turn = 0; turn < 20; turn++) await oneTurn();
      },
    };
  }

  test("shows packets, bytes and rates twice a second, and is erased at the end", async () => {
    const bytes = readFileSync(await capture("in.pcap", [1, 2, 3, 4]));
    const clock = fakeClock(NOW_MS);
    const { stdin, send } = slowInput();
    const io = fakeIo({ clock, stdin, stderrTerminal: true, columns: 200 });
    const running = runCli(["record", "-r", "-", "-w", join(folder, "out.pcap")], io);
    await send(bytes.subarray(0, 24));
    expect(io.err()).toBe(`\r\x1b[K${TIME} Status: 0 packets (0 bytes) written`);
    await send(bytes.subarray(24, 24 + 3 * 62));
    clock.advance(500);
    expect(io.err().split("\r\x1b[K").at(-1)).toBe(
      `${TIME} Status: 3 packets (138 bytes) written, 6 packets/s, 0.0 MB/s`,
    );
    clock.advance(500);
    expect(io.err().split("\r\x1b[K").at(-1)).toBe(
      "2025-04-12T22:48:36Z Status: 3 packets (138 bytes) written, 0 packets/s, 0.0 MB/s",
    );
    await send(bytes.subarray(24 + 3 * 62));
    await send(undefined);
    expect(await running).toBe(EXIT.ok);
    expect(io.err().endsWith("\r\x1b[K")).toBe(true);
    expect(io.out()).toContain("2025-04-12T22:48:36Z Result: 4 packets (184 bytes) written\n");
    expect(clock.pending).toBe(0);
  });

  test.each([
    { name: "without a terminal", terminal: false, args: [] },
    { name: "with --silent-errors", terminal: true, args: ["-s"] },
  ])("is not shown $name", async ({ terminal, args }) => {
    const io = fakeIo({ stderrTerminal: terminal });
    await runCli(["record", "-r", SAMPLE, "-w", join(folder, "out.pcap"), ...args], io);
    expect(io.err()).toBe("");
  });

  test("a signal completes the file and stops reading the input", async () => {
    const bytes = readFileSync(await capture("in.pcap", [1, 2]));
    for (const [signal, code] of [
      ["SIGINT", EXIT.interrupted],
      ["SIGTERM", EXIT.terminated],
      ["SIGHUP", EXIT.hungUp],
    ] as const) {
      const { stdin, send } = slowInput();
      const io = fakeIo({ clock: fakeClock(NOW_MS), stdin });
      const path = join(folder, `${signal}.pcap`);
      const running = runCli(["record", "-r", "-", "-w", path], io);
      await send(bytes.subarray(0, 24 + 62 + 30));
      // On a busy machine opening the file takes more turns than `send` waits for.
      await vi.waitFor(() => expect(existsSync(path)).toBe(true), PATIENCE);
      await send(new Uint8Array());
      io.interrupt(signal);
      expect(await running).toBe(code);
      expect(io.err()).toBe("Stopping recording...\n");
      expect(io.out()).toBe(`${TIME} Result: 1 packets (46 bytes) written\n${TIME} Output: ${path}\n`);
      expect(await idsIn(path)).toEqual([1]);
    }
  });
});

describeWithPrograms("record: written files", ["capinfos", "tcpdump"], () => {
  test.each([
    { args: [], name: "a.pcap" },
    { args: ["--precision", "ns"], name: "b.pcap" },
    { args: [], name: "c.pcapng" },
    { args: ["--precision", "ns"], name: "d.pcapng" },
    { args: ["--max-capture-len", "64"], name: "e.pcapng" },
    { args: ["--rotate-size", "20kB"], name: "f.pcap" },
    { args: ["--rotate-time", "500ms"], name: "g.pcapng" },
    { args: ["-r", SAMPLE_NG], name: "h.pcapng" },
  ])("$name with $args is readable by capinfos and tcpdump", async ({ args, name }) => {
    const target = join(folder, "files");
    mkdirSync(target);
    const out = await outputOf(["record", "-r", SAMPLE, "-w", join(target, name), ...args]);
    const packets = Number(/ Result: (\d+) packets/.exec(out)?.[1]);
    let counted = 0;
    for (const file of readdirSync(target)) {
      const path = join(target, file);
      const count = /^Number of packets:\s+(\d+)$/m.exec(run("capinfos", ["-cM", path]))?.[1];
      expect(run("tcpdump", ["-nr", path]).trimEnd().split("\n")).toHaveLength(Number(count));
      counted += Number(count);
    }
    expect(counted).toBe(packets);
    expect(packets).toBeGreaterThanOrEqual(527);
  });
});

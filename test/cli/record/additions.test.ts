import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { runCli } from "../../../src/cli/run.js";
import { blockWriter, join as joinBytes } from "../../pcap/blocks.js";
import { canonicalBlocks } from "../../pcap/pcapng/canonical-blocks.js";
import { samplePath } from "../../pcap/shared-captures.js";
import { fakeIo, runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-additions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
const blocksOf = (name: string) => canonicalBlocks(new Uint8Array(readFileSync(path(name)))).blocks;
const KEYS = "CLIENT_RANDOM 00 11\n";

describe("record --inject-secrets", () => {
  writeFileSync(path("keys.log"), KEYS);

  test("adds the secrets before the first packet, also of each file of a rotation", async () => {
    const input = samplePath("sample.pcap");
    const args = ["record", "-r", input, "--inject-secrets", path("keys.log")];
    const { code, err } = await runFake([...args, "-w", path("one.pcapng")]);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
    expect(blocksOf("one.pcapng")[0]).toContain(Buffer.from(KEYS).toString("hex"));
    expect(blocksOf("one.pcapng").filter((block) => block.startsWith("secrets"))).toHaveLength(1);
    const { code: rotated, out } = await runFake([
      ...[...args, "--rotate-size", "20KB", "-w", path("many.pcapng")],
    ]);
    const files = [...out.matchAll(/many_\S+\.pcapng/g)].map(([name]) => name);
    expect(rotated).toBe(EXIT.ok);
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect(blocksOf(file)[0]).toMatch(/^secrets /);
  });

  test("writes them to standard output, too", async () => {
    const io = fakeIo();
    const args = ["record", "-r", samplePath("sample.pcap"), "--format", "pcapng", "-w", "-"];
    expect(await runCli([...args, "--inject-secrets", path("keys.log")], io)).toBe(EXIT.ok);
    expect(canonicalBlocks(io.bytes()).blocks[0]).toMatch(/^secrets /);
  });

  test.each([
    { args: ["-w", path("x.pcap")], message: "--inject-secrets requires pcapng", expected: EXIT.usage },
    {
      args: ["-w", path("y.pcapng")],
      message: "line 1 is not a line of a TLS key log",
      expected: EXIT.failed,
    },
  ])("is rejected: $message", async ({ args, message, expected }) => {
    writeFileSync(path("other"), "-----BEGIN PRIVATE KEY-----\n");
    const { code, err } = await runFake([
      ...["record", "-r", samplePath("sample.pcap"), ...args, "--inject-secrets", path("other")],
    ]);
    expect(code).toBe(expected);
    expect(err).toContain(message);
  });
});

describe("record --describe-interfaces", () => {
  test("describes only captures of this node", async () => {
    const args = ["record", "-r", samplePath("sample.pcap"), "-w", path("z.pcapng")];
    const { code, err } = await runFake([...args, "--describe-interfaces"]);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain("--describe-interfaces requires --device");
  });
});

describe("record -r in.pcapng -w out.pcapng", () => {
  test("keeps side blocks at their place when it filters, rotates, merges and converts times", async () => {
    const { section, enhanced, statistics, block, u32, ...writer } = blockWriter();
    const secrets = block(10, joinBytes(u32(0x544c534b), u32(4), u32(0)));
    const input = joinBytes(
      section(),
      writer.interface(),
      secrets,
      enhanced({ time: 1n, data: Uint8Array.of(1) }),
      statistics(0, [[2, joinBytes(u32(0), u32(5_000_000))]]),
    );
    writeFileSync(path("in.pcapng"), input);
    const convert = async (name: string, ...args: string[]) => {
      const { code, err } = await runFake(["record", "-r", path("in.pcapng"), "-w", path(name), ...args]);
      expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
      return blocksOf(name);
    };
    const before = canonicalBlocks(input).blocks;
    expect(await convert("same.pcapng")).toEqual(before);
    expect(await convert("ns.pcapng", "--precision", "ns")).toEqual(before);
    expect(await convert("none.pcapng", "--protocol", "tcp")).toEqual([before[0], before[2]]);
  });
});

import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, isAbsolute, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { createBatch, type PacketBatch, packetsOf } from "../../src/packet/index.js";
import { record, type SinkRequest } from "../../src/recorder/index.js";
import { type FileSinkOptions, fileSink } from "../../src/sink/file.js";
import { sinkContract } from "../contract/sink.js";
import { ETHERNET, numbered, packetBytes, range, WANTED } from "../recorder/packets.js";
import { controlledSource, interfaceOf, settle } from "../recorder/sources.js";
import { fakeClock } from "../support/fake-clock.js";
import { describeUnless } from "../support/shared.js";
import { decodeFile, onlyFile, openFilesIn, temporaryFolder } from "./folder.js";

const NOW_MS = 1_744_498_105_123;
const STATS = { received: 17, dropped: 4 };

function request(own: Partial<SinkRequest> = {}): SinkRequest {
  return {
    filePrefix: "hubble",
    interfaces: [interfaceOf(ETHERNET)],
    snapLength: 262_144,
    clock: fakeClock(NOW_MS),
    ...own,
  };
}

const variants: readonly { name: string; options: FileSinkOptions; resolution: "us" | "ns" | "own" }[] = [
  { name: "pcap by default", options: {}, resolution: "us" },
  { name: "pcap, us", options: { fileFormat: "pcap", resolution: "us" }, resolution: "us" },
  { name: "pcap, ns", options: { resolution: "ns" }, resolution: "ns" },
  { name: "pcapng", options: { fileFormat: "pcapng" }, resolution: "own" },
  {
    name: "pcapng, whose resolution is its interfaces' own",
    options: { fileFormat: "pcapng", resolution: "us" },
    resolution: "own",
  },
];

for (const { name, options, resolution } of variants) {
  const { fileFormat = "pcap" } = options;
  sinkContract(`the file sink, ${name}`, { fileFormat, resolution }, async () => {
    const folder = await temporaryFolder();
    return {
      open: fileSink(folder.path, options),
      written: async () => readFile(await onlyFile(folder.path)),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  });
}

describe("fileSink: the file", () => {
  test.each<{ name: string; options: FileSinkOptions; own?: Partial<SinkRequest>; file: RegExp }>([
    {
      name: "is named as the Recorder names it",
      options: { nodeName: "prod/node1", random: () => 3_266_660_343 },
      file: /^hubble_1744498105_3266660343_prod_node1\.pcap$/,
    },
    {
      name: "has the prefix asked for",
      options: { nodeName: "n", random: () => 0 },
      own: { filePrefix: "mine" },
      file: /^mine_1744498105_0_n\.pcap$/,
    },
    {
      name: "has the ending of its format",
      options: { nodeName: "n", random: () => 1, fileFormat: "pcapng" },
      file: /^hubble_1744498105_1_n\.pcapng$/,
    },
    {
      name: "stays in its folder, whatever the node is called",
      options: { nodeName: "../../tmp/é\0", random: () => 1 },
      file: /^hubble_1744498105_1_\.\._\.\._tmp___\.pcap$/,
    },
    {
      name: "is named after the host, and a number of 32 bits, by default",
      options: {},
      file: new RegExp(
        `^hubble_1744498105_\\d{1,10}_${hostname().replace(/[^a-zA-Z0-9_.-]/gu, "_")}\\.pcap$`,
      ),
    },
  ])("$name", async ({ options, own, file }) => {
    await using folder = await temporaryFolder();
    const sink = await fileSink(folder.path, options)(request(own));
    const { filePath } = await sink.close(STATS);
    expect(filePath).toBe(await onlyFile(folder.path));
    expect(basename(filePath ?? "")).toMatch(file);
  });

  test("has an absolute path, also in a relative folder", async () => {
    await using folder = await temporaryFolder();
    const sink = await fileSink(relative(process.cwd(), folder.path))(request());
    const { filePath = "" } = await sink.close(STATS);
    expect(isAbsolute(filePath)).toBe(true);
    expect(filePath).toBe(await onlyFile(folder.path));
  });

  test("has a different name for each recording", async () => {
    await using folder = await temporaryFolder();
    const open = fileSink(folder.path);
    const clock = fakeClock(NOW_MS);
    for (let count = 0; count < 20; count++) await (await open(request({ clock }))).close(STATS);
    expect(await readdir(folder.path)).toHaveLength(20);
  });

  test("and every folder created for it can be read by its owner only", async () => {
    await using folder = await temporaryFolder();
    const inner = join(folder.path, "a", "b");
    const sink = await fileSink(inner)(request());
    const { filePath = "" } = await sink.close(STATS);
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
    expect(await modeOf(filePath)).toBe(0o600);
    expect(await modeOf(inner)).toBe(0o700);
    expect(await modeOf(join(folder.path, "a"))).toBe(0o700);
  });

  test("does not change the mode of an existing folder", async () => {
    await using folder = await temporaryFolder();
    const inner = join(folder.path, "a");
    await mkdir(inner, { mode: 0o755 });
    await (await fileSink(inner)(request())).close(STATS);
    expect((await stat(inner)).mode & 0o777).toBe(0o755);
  });

  test("contains the header before the first packet", async () => {
    await using folder = await temporaryFolder();
    const sink = await fileSink(folder.path)(request({ snapLength: 96 }));
    const { source, ids } = await decodeFile(await onlyFile(folder.path));
    expect(ids).toEqual([]);
    expect(source.interfaces[0]?.snapLength).toBe(96);
    await sink.write(numbered(2));
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual([0, 1]);
    await sink.close(STATS);
  });

  test("keeps nanoseconds with the option", async () => {
    await using folder = await temporaryFolder();
    const format = { ...ETHERNET, resolution: "ns" as const };
    const sink = await fileSink(folder.path, { resolution: "ns" })(
      request({ interfaces: [interfaceOf(format)] }),
    );
    await sink.write(createBatch(format, [{ bytes: packetBytes({ id: 1 }), nanoseconds: 123_456_789 }]));
    await sink.close(STATS);
    const { source, batches } = await decodeFile(await onlyFile(folder.path));
    expect(source.interfaces[0]?.resolution).toBe("ns");
    expect([...packetsOf(batches[0] as PacketBatch)][0]?.nanoseconds).toBe(123_456_789);
  });

  test("in pcapng has the packet counts of the source, unless it is aborted", async () => {
    await using folder = await temporaryFolder();
    const open = fileSink(folder.path, { fileFormat: "pcapng", random: () => 1, nodeName: "closed" });
    await (await open(request())).close(STATS);
    const closed = await decodeFile(await onlyFile(folder.path));
    expect(closed.source.stats().dropped).toBe(4);
    await using other = await temporaryFolder();
    await (await fileSink(other.path, { fileFormat: "pcapng" })(request())).abort();
    expect((await decodeFile(await onlyFile(other.path))).source.stats().dropped).toBe(0);
  });

  test("is a valid capture if aborted before the link type is known", async () => {
    await using folder = await temporaryFolder();
    await (await fileSink(folder.path)(request({ interfaces: [] }))).abort();
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual([]);
  });

  test("accepts no packets after close", async () => {
    await using folder = await temporaryFolder();
    const sink = await fileSink(folder.path)(request());
    await sink.close(STATS);
    expect(() => sink.write(numbered(1))).toThrow(TypeError);
  });
});

describe("fileSink: an existing file", () => {
  test("is never written to: another name is chosen, with the current time", async () => {
    await using folder = await temporaryFolder();
    const clock = fakeClock(NOW_MS);
    const taken = join(folder.path, "hubble_1744498105_7_n.pcap");
    await writeFile(taken, "mine");
    const target = join(folder.path, "target");
    await symlink(target, join(folder.path, "hubble_1744498106_8_n.pcap"));
    await mkdir(join(folder.path, "hubble_1744498107_9_n.pcap"));
    let drawn = 6;
    const random = () => {
      clock.advance(1000);
      drawn++;
      return drawn;
    };
    const sink = await fileSink(folder.path, { nodeName: "n", random })(request({ clock }));
    const { filePath } = await sink.close(STATS);
    expect(basename(filePath ?? "")).toBe("hubble_1744498108_10_n.pcap");
    expect(await readFile(taken, "utf8")).toBe("mine");
    expect(await readdir(folder.path)).not.toContain("target");
  });

  test("fails after a hundred names, with upstream's message", async () => {
    await using folder = await temporaryFolder();
    const taken = join(folder.path, "hubble_1744498105_7_n.pcap");
    await writeFile(taken, "mine");
    let draws = 0;
    const random = () => {
      draws++;
      return 7;
    };
    const recording = record(controlledSource(), WANTED, {
      sink: fileSink(folder.path, { nodeName: "n", random }),
      clock: fakeClock(NOW_MS),
    });
    await expect(recording.stopped).rejects.toMatchObject({
      name: "FlowscribeError",
      code: "sink_failed",
      message: expect.stringMatching(/^failed to create pcap file "/),
      cause: { code: "EEXIST" },
    });
    await expect(recording.stopped).rejects.toThrow(
      new RegExp(`^failed to create pcap file "${taken}": EEXIST: file already exists.{0,30}$`),
    );
    expect(draws).toBe(100);
    expect(await readFile(taken, "utf8")).toBe("mine");
  });

  test("the hundredth name may be unused", async () => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, "hubble_1744498105_7_n.pcap"), "mine");
    let draws = 0;
    const random = () => {
      draws++;
      return draws < 100 ? 7 : 8;
    };
    const sink = await fileSink(folder.path, { nodeName: "n", random })(request());
    await expect(sink.close(STATS)).resolves.toEqual({
      filePath: join(folder.path, "hubble_1744498105_8_n.pcap"),
    });
  });
});

describe("fileSink: failures to open", () => {
  test("a folder that cannot be created fails with upstream's message", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "file");
    await writeFile(file, "");
    await expect(fileSink(join(file, "inside"))(request())).rejects.toMatchObject({
      code: "sink_failed",
      // Since Node 24 the file in the way is named, as existing.
      message: expect.stringMatching(/^failed to create storage path directory: (ENOTDIR|EEXIST): /),
      cause: { code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/) },
    });
  });

  test("a file that cannot be created is tried once", async () => {
    await using folder = await temporaryFolder();
    let draws = 0;
    const random = () => {
      draws++;
      return 7;
    };
    const nodeName = "n".repeat(300);
    const path = join(folder.path, `hubble_1744498105_7_${nodeName}.pcap`);
    const opening = fileSink(folder.path, { nodeName, random })(request());
    await expect(opening).rejects.toThrow(`failed to create pcap file "${path}": ENAMETOOLONG: `);
    await expect(opening).rejects.toMatchObject({ code: "sink_failed", cause: { code: "ENAMETOOLONG" } });
    expect(draws).toBe(1);
  });
});

describe("fileSink: a recording", () => {
  test.each(["wait", "drop"] as const)(
    "returns the path of a file with the recorded packets (%s)",
    async (whenBusy) => {
      await using folder = await temporaryFolder();
      const source = controlledSource({ reusesBatches: true });
      const recording = record(source, WANTED, {
        sink: fileSink(folder.path),
        whenBusy,
        clock: fakeClock(NOW_MS),
      });
      source.push(numbered(3), numbered(3, 3));
      source.end();
      const { filePath, stats } = await recording.stopped;
      expect(filePath).toBe(await onlyFile(folder.path));
      expect((await decodeFile(filePath ?? "")).ids).toEqual(range(6));
      expect(stats.packetsCaptured).toBe(6);
    },
  );

  test("that is aborted keeps its file and the packets in it", async () => {
    await using folder = await temporaryFolder();
    const source = controlledSource();
    const controller = new AbortController();
    const recording = record(source, WANTED, { sink: fileSink(folder.path), signal: controller.signal });
    source.push(numbered(3));
    await settle();
    controller.abort();
    await expect(recording.stopped).rejects.toBe(controller.signal.reason);
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual(range(3));
  });

  test("whose source fails keeps the packets before", async () => {
    await using folder = await temporaryFolder();
    const source = controlledSource();
    const recording = record(source, WANTED, { sink: fileSink(folder.path), whenBusy: "drop" });
    source.push(numbered(3));
    source.fail(new Error("broken"));
    await expect(recording.stopped).rejects.toThrow("broken");
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual(range(3));
  });
});

describeUnless("beside /proc", existsSync("/proc/self/fd") ? undefined : "no /proc", () => {
  test("reports soon that a folder cannot be created", async () => {
    const opening = fileSink("/proc/none/of/these")(request());
    await expect(opening).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringContaining("failed to create storage path directory: ENOENT"),
    });
  });

  test("leaves no file open", async () => {
    await using folder = await temporaryFolder();
    for (const how of ["end", "fail"] as const) {
      for (let count = 0; count < 5; count++) {
        const source = controlledSource();
        const recording = record(source, WANTED, { sink: fileSink(folder.path) });
        source.push(numbered(1));
        if (how === "end") source.end();
        else source.fail(new Error("broken"));
        await Promise.allSettled([recording.stopped]);
      }
    }
    expect(openFilesIn(folder.path)).toEqual([]);
  });
});

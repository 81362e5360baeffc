import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePacketFilter, formatPacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { compileProgram } from "../../../src/source/ebpf/program/program.js";
import type { Kernel } from "../../../src/source/native/kernel.js";
import { anyFilter, anyPacketOf } from "../../packet/arbitrary.js";
import { drawFilters, readCorpus } from "../../packet/corpus.js";
import { createRandom } from "../../packet/random.js";
import { keptByTcpdump, type LinkPacket, writeIndexed } from "../../packet/tcpdump.js";
import { isWider } from "../../packet/wider.js";
import { amount, everyNth, nth } from "../../support/amount.js";
import { describeWithPrograms, describeWithShared } from "../../support/shared.js";
import { describeLive, readRecords } from "../libpcap/live.js";
import { describeWithEbpf } from "./kernel-needed.js";

/** Of the packets of captures, in the quick tests. */
const STEP = 8;
const ETHERNET = 1;
const RAW = 101;
/**
 * Longer packets would be split by `BPF_PROG_TEST_RUN`; it rejects shorter ones, and those whose EtherType
 * is IP but that are shorter than Ethernet and IP.
 */
const LONGEST_RUN = 3500;
const SHORTEST_RUN: Readonly<Record<number, number>> = { 2048: 34, 34525: 54 };

function runnable({ bytes }: LinkPacket): boolean {
  const says = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
  return bytes.length >= (SHORTEST_RUN[says] ?? 14) && bytes.length <= LONGEST_RUN;
}

interface Outcome {
  answers: number;
  matches: number;
  refused: number;
  readonly differences: string[];
}

/** Runs the program and the predicate on every packet that the kernel accepts, for each list of filters. */
function compare(
  kernel: Kernel,
  packets: readonly LinkPacket[],
  lists: readonly (readonly PacketFilterInit[])[],
  tableFilters: number,
): Outcome {
  const outcome: Outcome = { answers: 0, matches: 0, refused: 0, differences: [] };
  const wanted = packets.filter(runnable);
  outcome.refused = (packets.length - wanted.length) * lists.length;
  for (const include of lists) {
    const { linkType } = packets[0] as LinkPacket;
    const layer = linkType === RAW ? 3 : 2;
    const window = 65_535;
    const compiled = compileProgram(include, { layer, window, answer: { kind: "report" }, tableFilters });
    const tables = compiled.tables.length === 0 ? -1 : kernel.createConstantMap("tables", compiled.tables);
    const program = kernel.loadProgram("differential", compiled.program.encode({ tables }));
    const predicate = compilePacketFilter(include);
    for (const { bytes } of wanted) {
      const expected = predicate(bytes, 0, bytes.length, linkType);
      const { result } = kernel.run(program, bytes);
      outcome.answers++;
      if (expected) outcome.matches++;
      if ((result === 1) === expected) continue;
      const list = JSON.stringify(include).slice(0, 300);
      outcome.differences.push(`${list} is ${expected} for ${Buffer.from(bytes).toString("hex")}`);
    }
    kernel.close(program);
    if (tables >= 0) kernel.close(tables);
  }
  return outcome;
}

const FORMS = [
  { form: "a chain", tableFilters: Number.POSITIVE_INFINITY },
  { form: "tables", tableFilters: 1 },
];

describeWithEbpf("compileProgram: matches the same packets as the predicate", (kernel) => {
  describe.each(FORMS)("as $form", ({ tableFilters }) => {
    test.each([
      { name: "Ethernet", linkType: ETHERNET },
      { name: "raw IP", linkType: RAW },
    ])("on generated packets: $name", ({ linkType }) => {
      const packets = fc
        .sample(anyPacketOf(linkType), { numRuns: amount({ quick: 150, long: 1500 }), seed: linkType })
        .map((bytes) => ({ linkType, bytes }));
      const filters = fc.sample(anyFilter(), { numRuns: 40, seed: linkType });
      const random = createRandom(linkType);
      const lists = [
        ...filters.map((filter) => [filter]),
        ...[2, 5, 9, 40, 300].map((length) => Array.from({ length }, () => random.pick(filters))),
      ];
      const { answers, matches, refused, differences } = compare(kernel(), packets, lists, tableFilters);
      console.info(`${answers} answers, ${matches} of them yes; ${refused} not asked`);
      expect(differences.slice(0, 5)).toEqual([]);
      expect(answers).toBeGreaterThan(amount({ quick: 2500, long: 30_000 }));
      expect(matches).toBeGreaterThan(amount({ quick: 80, long: 1000 }));
    });

    describeWithShared("on captures written by other programs", () => {
      test.each([
        { name: "Ethernet", linkType: ETHERNET, singles: 12, lengths: [3, 10, 70, 300, 1000, 4500] },
        { name: "raw IP", linkType: RAW, singles: 50, lengths: [3, 10, 70] },
      ])(`$name${nth(STEP)}`, async ({ linkType, singles, lengths }) => {
        const all = (await readCorpus()).filter((packet) => packet.linkType === linkType);
        const packets = linkType === ETHERNET ? everyNth(STEP, all) : all;
        const random = createRandom(linkType);
        const lists = [
          ...drawFilters(packets, singles, random).map((filter) => [filter]),
          ...lengths
            .filter((length) => tableFilters === 1 || length <= 300)
            .map((length) => drawFilters(packets, length, random)),
        ];
        const { answers, matches, refused, differences } = compare(kernel(), packets, lists, tableFilters);
        console.info(`${answers} answers, ${matches} of them yes; ${refused} not asked`);
        expect(differences.slice(0, 5)).toEqual([]);
        expect(answers).toBeGreaterThan(linkType === ETHERNET ? amount({ quick: 3000, long: 100_000 }) : 500);
        expect(matches).toBeGreaterThan(amount({ quick: 1, long: 100 }));
      });
    });
  });

  describe("where packets look like the bounds of prefixes", () => {
    test("addresses beside every bound, in lists of nested prefixes", () => {
      const random = createRandom(99);
      for (const family of [4, 6] as const) {
        for (let round = 0; round < 12; round++) {
          const filters = nestedFilters(family, 3 + random.below(60), random);
          const packets = boundPackets(family, filters);
          const { differences } = compare(kernel(), packets, [filters], 1);
          expect(differences.slice(0, 3)).toEqual([]);
        }
      }
    });
  });
});

describeWithEbpf("compilePacketFilter, formatPacketFilter, compileProgram: one filter", (kernel) => {
  describeWithPrograms("matches the same packets, or more in the expression", ["tcpdump"], () => {
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "flowscribe-forms-"));
    });

    afterAll(async () => {
      await rm(folder, { recursive: true });
    });

    test("predicate, expression compiled to classic BPF by libpcap, and eBPF", async () => {
      const packets = fc
        .sample(anyPacketOf(ETHERNET), { numRuns: amount({ quick: 500, long: 2000 }), seed: 5 })
        .map((bytes) => ({ linkType: ETHERNET, bytes }))
        .filter(runnable);
      const filters = fc.sample(anyFilter(), { numRuns: amount({ quick: 12, long: 60 }), seed: 5 });
      const random = createRandom(5);
      const lists = [
        ...filters.map((filter) => [filter]),
        ...Array.from({ length: 10 }, () => Array.from({ length: 4 }, () => random.pick(filters))),
      ];
      const file = join(folder, "packets.pcap");
      await writeIndexed(file, ETHERNET, packets);
      const mayBeWider = packets.map(isWider);
      let answers = 0;
      let wider = 0;
      const differences: string[] = [];
      for (const include of lists) {
        const classic = await keptByTcpdump(file, formatPacketFilter(include));
        const compiled = compileProgram(include, { layer: 2, window: 65_535, answer: { kind: "report" } });
        const program = kernel().loadProgram("forms", compiled.program.encode({}));
        const predicate = compilePacketFilter(include);
        packets.forEach(({ bytes }, index) => {
          answers++;
          const js = predicate(bytes, 0, bytes.length, ETHERNET);
          const ebpf = kernel().run(program, bytes).result === 1;
          if (js !== ebpf) differences.push(`eBPF: ${Buffer.from(bytes).toString("hex")}`);
          if (classic.has(index) && !js && mayBeWider[index]) wider++;
          else if (classic.has(index) !== js) differences.push(`text: ${Buffer.from(bytes).toString("hex")}`);
        });
        kernel().close(program);
      }
      console.info(`${answers} answers of each form; the expression is wider for ${wider}`);
      expect(differences.slice(0, 5)).toEqual([]);
      expect(answers).toBeGreaterThan(amount({ quick: 5000, long: 100_000 }));
    });
  });
});

describeWithEbpf("openEbpf: packets on which the kernel does not run programs", () => {
  describeLive("through a pair of devices", (live) => {
    test("are captured if the predicate matches: short, long, and with tags in the metadata", async () => {
      const { pair, sender } = live();
      const generated = fc
        .sample(anyPacketOf(ETHERNET), { numRuns: amount({ quick: 1000, long: 4000 }), seed: 77 })
        // The sending socket wants an Ethernet header, and the device no more than its MTU.
        .filter((bytes) => bytes.length >= 14 && bytes.length <= 1500)
        .map((bytes) => toNobody(bytes));
      const filters = fc.sample(anyFilter(), { numRuns: amount({ quick: 10, long: 30 }), seed: 77 });
      let answers = 0;
      for (const include of [...filters.map((filter) => [filter]), filters]) {
        const source = await openEbpf(pair.receiver.device, { include, direction: "ingress" });
        sender.send(generated);
        source.stop();
        const { records } = await readRecords(source);
        await source[Symbol.asyncDispose]();
        const predicate = compilePacketFilter(include);
        const expected = generated.filter((bytes) => predicate(bytes, 0, bytes.length, ETHERNET));
        answers += generated.length;
        expect(bytesOf(records)).toEqual(expected.map((bytes) => Buffer.from(bytes).toString("hex")));
      }
      console.info(`${answers} answers through a pair of devices`);
    });
  });
});

/** The same frame to a host that is not there, as the receiving host must not answer. */
function toNobody(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy.set([2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee]);
  return copy;
}

function bytesOf(records: Buffer): string[] {
  const packets: string[] = [];
  for (let at = 0; at < records.length; ) {
    const length = records.readUInt32LE(at + 8);
    packets.push(records.subarray(at + 16, at + 16 + length).toString("hex"));
    at += 16 + length;
  }
  return packets;
}

/** Filters whose prefixes lie inside each other, or end where the next begins. */
function nestedFilters(
  family: 4 | 6,
  count: number,
  random: { below(limit: number): number },
): PacketFilterInit[] {
  const width = family === 4 ? 32 : 128;
  const cidr = () => {
    const bytes = Array.from({ length: width / 8 }, () => [0, 0, 1, 0x80, 0xff][random.below(5)] as number);
    const text =
      family === 4
        ? bytes.join(".")
        : Array.from({ length: 8 }, (_, index) =>
            (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
          ).join(":");
    // IPv4-mapped prefixes are another family.
    return family === 6 && text.startsWith("0:0:0:0:0:ffff")
      ? "2001:db8::/32"
      : `${text}/${random.below(width + 1)}`;
  };
  const any = family === 4 ? "0.0.0.0/0" : "::/0";
  return Array.from({ length: count }, () => ({
    sourceCidr: cidr(),
    destinationCidr: random.below(3) === 0 ? cidr() : any,
    ...(random.below(4) === 0 && { protocol: 6, destinationPort: 80 }),
  }));
}

/** Packets from the first and the last address of every prefix, and from those beside them. */
function boundPackets(family: 4 | 6, filters: readonly PacketFilterInit[]): LinkPacket[] {
  const width = family === 4 ? 32n : 128n;
  const addresses = new Set<bigint>([0n, (1n << width) - 1n]);
  for (const { sourceCidr = "" } of filters) {
    const [text = "", length = "0"] = sourceCidr.split("/");
    const host = (1n << (width - BigInt(length))) - 1n;
    const first = numberOf(family, text) & ~host;
    for (const bound of [first, first + host]) {
      for (const step of [-1n, 0n, 1n]) addresses.add(BigInt.asUintN(Number(width), bound + step));
    }
  }
  return [...addresses].map((address) => ({ linkType: ETHERNET, bytes: packetFrom(family, address) }));
}

function numberOf(family: 4 | 6, text: string): bigint {
  const parts = family === 4 ? text.split(".") : expand(text).split(":");
  const base = family === 4 ? 10 : 16;
  const bits = family === 4 ? 8n : 16n;
  return parts.reduce((sum, part) => (sum << bits) | BigInt(Number.parseInt(part, base)), 0n);
}

function expand(text: string): string {
  const [head = "", tail] = text.split("::");
  if (tail === undefined) return text;
  const known = [...head.split(":"), ...tail.split(":")].filter((part) => part !== "");
  return [...head.split(":"), ...Array(8 - known.length).fill("0"), ...tail.split(":")]
    .filter((part) => part !== "")
    .join(":");
}

function packetFrom(family: 4 | 6, source: bigint): Uint8Array {
  const hex = source.toString(16).padStart(family === 4 ? 8 : 32, "0");
  const ethernet = `020000000002020000000001${family === 4 ? "0800" : "86dd"}`;
  const ports = "03e8005000000000".padEnd(40, "0");
  return Buffer.from(
    family === 4
      ? `${ethernet}450000280000000040060000${hex}${"00".repeat(4)}${ports}`
      : `${ethernet}6000000000140640${hex}${"00".repeat(16)}${ports}`,
    "hex",
  );
}

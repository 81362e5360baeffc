import { beforeAll, expect, test } from "vitest";
import { compilePacketFilter } from "../../src/packet/index.js";
import { amount } from "../support/amount.js";
import { describeWithShared } from "../support/shared.js";
import { type CorpusPacket, drawFilters, readCorpus } from "./corpus.js";
import { naiveParse, naivePredicate } from "./naive.js";
import { createRandom } from "./random.js";

const FILTERS = amount({ quick: 60, long: 300 });
const ROUNDS = amount({ quick: 20_000, long: 100_000 });

describeWithShared("packet filters on captures written by others", () => {
  let packets: readonly CorpusPacket[];

  beforeAll(async () => {
    packets = await readCorpus();
  });

  test("captures: contain packets of all kinds", () => {
    const having = (wanted: (packet: CorpusPacket) => boolean) => packets.filter(wanted).length;
    expect(packets.length).toBe(10_627);
    expect(having(({ naive }) => naive?.family === 4)).toBe(4867);
    expect(having(({ naive }) => naive?.family === 6)).toBe(866);
    expect(having(({ naive }) => naive === undefined)).toBe(10_627 - 4867 - 866);
    expect(having(({ naive }) => (naive?.vlanTags ?? 0) > 0)).toBe(48);
    expect(having(({ naive }) => naive !== undefined && naive.protocol === undefined)).toBe(9);
    expect(having(({ naive }) => (naive?.extensions ?? 0) > 0)).toBe(153);
  });

  test(`${FILTERS} filters drawn from the packets match the same packets as the naive filter`, () => {
    const filters = drawFilters(packets, FILTERS, createRandom(20_240_601));
    const differences: string[] = [];
    let matching = 0;
    for (const filter of filters) {
      const ours = compilePacketFilter([filter]);
      const naive = naivePredicate([filter]);
      let matches = 0;
      packets.forEach((packet, index) => {
        const expected = naive(packet.naive);
        if (expected) matches++;
        if (ours(packet.bytes, 0, packet.bytes.length, packet.linkType) === expected) return;
        differences.push(`${packet.file} (packet ${index}): ${JSON.stringify(filter)} is ${expected}`);
      });
      if (matches > 0) matching++;
    }
    expect(differences.slice(0, 5)).toEqual([]);
    expect(matching).toBeGreaterThanOrEqual((FILTERS * 2) / 3);
  });

  test("compilePacketFilter: lists of filters match the same packets as the naive filters", () => {
    const random = createRandom(7);
    const differences: string[] = [];
    for (const length of [2, 3, 8, 50, 300]) {
      const filters = drawFilters(packets, length, random);
      const ours = compilePacketFilter(filters);
      const naive = naivePredicate(filters);
      packets.forEach((packet, index) => {
        const expected = naive(packet.naive);
        if (ours(packet.bytes, 0, packet.bytes.length, packet.linkType) === expected) return;
        differences.push(`${packet.file} (packet ${index}): a list of ${length} is ${expected}`);
      });
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });

  test("compilePacketFilter: truncated packets at any offset match as in the naive filters", () => {
    const random = createRandom(11);
    const filters = drawFilters(packets, 100, random);
    const anyPort = { sourceCidr: "::/0", destinationCidr: "::/0", sourcePort: 53 };
    const ours = filters.map((filter) => compilePacketFilter([filter, anyPort]));
    const naive = filters.map((filter) => naivePredicate([filter, { ...NO_FIELDS, ...anyPort }]));
    const differences: string[] = [];
    const buffer = new Uint8Array(400);
    for (let round = 0; round < ROUNDS; round++) {
      const { bytes, linkType, file } = random.pick(packets);
      const cut = bytes.slice(0, random.below(Math.min(bytes.length, 160) + 1));
      const start = random.below(200);
      // What lies around the packet must not matter.
      buffer.fill(random.below(256));
      buffer.set(cut, start);
      const parsed = naiveParse(cut, linkType);
      for (let index = round % 10; index < filters.length; index += 10) {
        const expected = naive[index]?.(parsed);
        if (ours[index]?.(buffer, start, start + cut.length, linkType) === expected) continue;
        differences.push(`${file} cut to ${cut.length}: ${JSON.stringify(filters[index])} is ${expected}`);
      }
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });
});

const NO_FIELDS = { protocol: 0, sourcePort: 0, destinationPort: 0 };

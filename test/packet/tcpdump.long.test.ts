import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compilePacketFilter, formatPacketFilter, type PacketFilterInit } from "../../src/packet/index.js";
import { describeWithPrograms, describeWithShared } from "../support/shared.js";
import { anyFilter, anyPacketOf } from "./arbitrary.js";
import { ipv4, ipv6 } from "./build.js";
import { type CorpusPacket, drawFilters, readCorpus } from "./corpus.js";
import { naiveParse } from "./naive.js";
import { createRandom, type Random } from "./random.js";
import { forEachParallel, keptByTcpdump, type LinkPacket, writeIndexed } from "./tcpdump.js";
import { isWider, WIDER } from "./wider.js";

const NULL = 0;
const ETHERNET = 1;

describeWithPrograms("formatPacketFilter in tcpdump", ["tcpdump"], () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flowscribe-tcpdump-"));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** Runs every list of filters over the packets, by tcpdump and by the predicate. */
  async function compare(
    name: string,
    packets: readonly LinkPacket[],
    lists: readonly (readonly PacketFilterInit[])[],
  ): Promise<{ differences: readonly string[]; matching: number }> {
    const linkType = packets[0]?.linkType ?? 0;
    const file = join(folder, `${name}-${linkType}.pcap`);
    await writeIndexed(file, linkType, packets);
    const mayBeWider = packets.map(isWider);
    const differences: string[] = [];
    let matching = 0;
    await forEachParallel(lists, async (include) => {
      const text = formatPacketFilter(include, { linkType });
      const kept = await keptByTcpdump(file, text);
      const predicate = compilePacketFilter(include);
      if (kept.size > 0) matching++;
      packets.forEach(({ bytes }, index) => {
        const matches = predicate(bytes, 0, bytes.length, linkType);
        if (kept.has(index) === matches) return;
        if (!matches && mayBeWider[index]) return;
        differences.push(
          `${JSON.stringify(include)} is ${matches} for ${Buffer.from(bytes).toString("hex")}`,
        );
      });
    });
    return { differences, matching };
  }

  describeWithShared("on captures written by others", () => {
    let corpus: readonly CorpusPacket[];

    beforeAll(async () => {
      corpus = await readCorpus();
    });

    test.each([
      { name: "Ethernet", linkType: ETHERNET, packets: 8785, singles: 300, lists: 20 },
      { name: "BSD loopback", linkType: NULL, packets: 139, singles: 50, lists: 10 },
      { name: "raw IP", linkType: 101, packets: 18, singles: 50, lists: 10 },
      { name: "Linux cooked v1", linkType: 113, packets: 683, singles: 100, lists: 10 },
      { name: "raw IPv4", linkType: 228, packets: 5, singles: 30, lists: 10 },
      { name: "raw IPv6", linkType: 229, packets: 32, singles: 50, lists: 10 },
    ])(
      "$name: matches the same packets as the predicate",
      async ({ linkType, packets: count, singles, lists }) => {
        const packets = corpus.filter((packet) => packet.linkType === linkType);
        expect(packets).toHaveLength(count);
        const random = createRandom(linkType);
        const include = [
          ...drawFilters(packets, singles, random).map((filter) => [filter]),
          ...Array.from({ length: lists }, () => drawFilters(packets, 2 + random.below(8), random)),
        ];
        const { differences, matching } = await compare("corpus", packets, include);
        expect(differences.slice(0, 5)).toEqual([]);
        expect(matching).toBeGreaterThan(0.5 * include.length);
      },
    );
  });

  test.each([
    { name: "Ethernet", linkType: ETHERNET },
    { name: "BSD loopback", linkType: NULL },
    { name: "raw IP", linkType: 101 },
    { name: "raw IP, libpcap's own number", linkType: 12 },
    { name: "OpenBSD loopback", linkType: 108 },
    { name: "Linux cooked v1", linkType: 113 },
    { name: "raw IPv4", linkType: 228 },
    { name: "raw IPv6", linkType: 229 },
    { name: "Linux cooked v2", linkType: 276 },
  ])(
    "$name: keeps of generated packets, whole, cut and damaged, what the predicate keeps",
    async ({ linkType }) => {
      const packets = fc
        .sample(anyPacketOf(linkType), { numRuns: 2000, seed: linkType })
        .map((bytes) => ({ linkType, bytes }));
      const only = linkType === 228 ? 4 : linkType === 229 ? 6 : undefined;
      const filters = fc
        .sample(anyFilter(), { numRuns: 75, seed: linkType })
        // libpcap rejects an expression that never matches.
        .filter(({ sourceCidr }) => only === undefined || sourceCidr.includes(":") === (only === 6));
      const include = [...filters.map((filter) => [filter]), ...listsOf(filters, createRandom(linkType))];
      const { differences, matching } = await compare("generated", packets, include);
      expect(differences.slice(0, 5)).toEqual([]);
      expect(matching).toBeGreaterThan(0.3 * include.length);
    },
  );

  test.each([
    {
      name: "IPv6",
      source: "2001:db8::/48",
      destinations: ["2001:db8:1::/48", "2001:db8:0:9::/64"],
      packet: ipv6(),
    },
    { name: "IPv4", source: "0.0.0.0/1", destinations: ["11.0.0.0/8", "10.0.0.0/8"], packet: ipv4() },
  ])("$name: a repeated prefix that ends in zero bits survives libpcap's optimizer", async (row) => {
    const { source, destinations, packet } = row;
    const include = [...destinations, destinations[0]?.includes(":") ? "2001:db8::2/128" : "10.0.0.2/32"].map(
      (destinationCidr) => ({ sourceCidr: source, destinationCidr }),
    );
    const { differences, matching } = await compare(
      "optimizer",
      [{ linkType: 101, bytes: packet }],
      [include],
    );
    expect(differences).toEqual([]);
    expect(matching).toBe(1);
  });

  test.each(WIDER)("formatPacketFilter: matches more packets: $name", async ({ applies }) => {
    const include = [
      { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0", destinationPort: 80 },
      { sourceCidr: "::/0", destinationCidr: "::/0", destinationPort: 80 },
    ];
    let wider = 0;
    for (const linkType of [NULL, ETHERNET, 108, 113]) {
      const packets = fc
        .sample(anyPacketOf(linkType), { numRuns: 1000, seed: 1 })
        .map((bytes) => ({ linkType, bytes }))
        .filter((packet) => applies(packet, naiveParse(packet.bytes, linkType)));
      if (packets.length === 0) continue;
      const file = join(folder, `wider-${linkType}.pcap`);
      await writeIndexed(file, linkType, packets);
      const kept = await keptByTcpdump(file, formatPacketFilter(include, { linkType }));
      const predicate = compilePacketFilter(include);
      packets.forEach(({ bytes }, index) => {
        if (kept.has(index) && !predicate(bytes, 0, bytes.length, linkType)) wider++;
      });
    }
    expect(wider).toBeGreaterThan(0);
  });
});

function listsOf(filters: readonly PacketFilterInit[], random: Random): readonly PacketFilterInit[][] {
  return Array.from({ length: 25 }, () =>
    Array.from({ length: 2 + random.below(8) }, () => random.pick(filters)),
  );
}

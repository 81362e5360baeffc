import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import type { Flow } from "../../src/gen/flow/flow_pb.js";
import { createBatch, decodeFlows } from "../../src/packet/index.js";
import { describeWithPrograms, describeWithShared, sharedPath } from "../support/shared.js";
import { type CorpusPacket, readCorpus } from "./corpus.js";
import { forEachParallel } from "./tcpdump.js";

/** PPP, Cisco HDLC, 802.11, radiotap, PPI and NFLOG. */
const LINK_TYPES = [9, 104, 105, 127, 192, 239];
const ETHERTYPES = [0x8847, 0x8848, 0x8864, 0x9200, 0x9300];
const FIELDS = [
  "ip.src",
  "ip.dst",
  "ipv6.src",
  "ipv6.dst",
  "tcp.srcport",
  "tcp.dstport",
  "udp.srcport",
  "udp.dstport",
];

/** Whether to compare the link type or encapsulation of the packet with tshark. */
function isJudged({ linkType, bytes }: CorpusPacket): boolean {
  if (LINK_TYPES.includes(linkType)) return true;
  if (linkType !== 1 || bytes.length < 22) return false;
  const type = Buffer.from(bytes).readUInt16BE(12);
  const isSnap = type <= 1500 && Buffer.from(bytes.slice(14, 20)).toString("hex") === "aaaa03000000";
  return isSnap || ETHERTYPES.includes(type) || bytes[23] === 51;
}

/** Of the hundreds of files of radiotap, in which nearly all frames are not data frames. */
const RADIOTAP_STEP = 8;

/** The same columns that tshark prints. A flow describes the innermost headers. */
function columnsOf({ IP, l4 }: Flow): string {
  const family =
    IP?.ipVersion === 2 ? ["", "", IP.source, IP.destination] : [IP?.source, IP?.destination, "", ""];
  const { case: protocol, value } = l4?.protocol ?? {};
  const ports =
    protocol === "TCP" || protocol === "UDP" ? [value?.sourcePort, value?.destinationPort] : ["", ""];
  return [...family, ...(protocol === "UDP" ? ["", "", ...ports] : [...ports, "", ""])].join("\t");
}

/**
 * Whether tshark found the same. It also reads the packet that an ICMP error quotes, and what IPComp contains: then it has
 * more values than a flow.
 */
function agrees(ours: string, theirs = ""): boolean {
  const [values, lists] = [ours.split("\t"), theirs.split("\t").map((list) => list.split(","))];
  if (values.every((value, index) => lists[index]?.join() === value)) return true;
  const hasMore = lists.slice(0, 4).some((list) => list.length > 1);
  return hasMore && values.slice(0, 4).every((value, index) => value === "" || lists[index]?.includes(value));
}

function runTshark(file: string): Promise<readonly string[]> {
  const args = ["-n", "-r", sharedPath("captures", file), "-T", "fields", "-E", "occurrence=a"];
  return new Promise((resolve) => {
    // Of a damaged file it prints what it can read.
    execFile("tshark", [...args, ...FIELDS.flatMap((field) => ["-e", field])], (_, stdout) => {
      resolve(stdout.split("\n"));
    });
  });
}

describeWithShared("captures written by others", () => {
  describeWithPrograms("as tshark reads them", ["tshark"], () => {
    test("decodeFlows: addresses and ports in every encapsulation", async () => {
      const files = new Map<string, CorpusPacket[]>();
      for (const packet of await readCorpus())
        files.set(packet.file, [...(files.get(packet.file) ?? []), packet]);
      const judged = [...files]
        .filter(([, packets]) => packets.some(isJudged))
        .filter(
          ([, packets], index) =>
            index % RADIOTAP_STEP === 0 ||
            packets.some(({ linkType, naive }) => linkType !== 127 || naive !== undefined),
        );
      const differences: string[] = [];
      const decoded = new Map<number, number>();
      await forEachParallel(judged, async ([file, packets]) => {
        const lines = await runTshark(file);
        packets.forEach((packet, index) => {
          if (!isJudged(packet)) return;
          const { linkType, bytes } = packet;
          const format = { linkType, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
          for (const flow of decodeFlows(createBatch(format, [{ bytes }]))) {
            if (flow.IP !== undefined) decoded.set(linkType, (decoded.get(linkType) ?? 0) + 1);
            const ours = columnsOf(flow);
            if (agrees(ours, lines[index])) continue;
            differences.push(`${file} ${index + 1} (${linkType}): ${ours} | ${lines[index]}`);
          }
        });
      });
      console.info(Object.fromEntries(decoded), judged.length, "files");
      expect(differences).toEqual([]);
      // Of 802.11 without radiotap, no frame that can be read contains IP.
      expect([...decoded.keys()].sort((a, b) => a - b)).toEqual([1, 9, 104, 127, 192, 239]);
    });
  });
});

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { recordEnd } from "../../../../src/packet/index.js";
import { decodeCapture } from "../../../../src/pcap/index.js";
import { MAX_PROGRAMS } from "../../../../src/source/libpcap/expression/expression.js";
import { compileExpression } from "../../../../src/source/libpcap/index.js";
import { repository } from "../../../support/run.js";
import { describeUnless, describeWithPrograms } from "../../../support/shared.js";

/** IPv4 with an empty TCP header. */
const TCP_PACKET = [
  ...[0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
  ...[0, 80, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0],
];
/** The same after an Ethernet header. */
const TCP_RECORD = recordOf([...new Array<number>(12).fill(2), 8, 0, ...TCP_PACKET]);

const reason = await compileExpression("tcp").then(
  () => undefined,
  (error: Error) => error.message,
);

describeUnless("compileExpression", reason, () => {
  test.each([
    {
      text: "tcp port",
      code: "invalid_expression",
      message: /^"tcp port" is not a filter: .+ \(for Ethernet\)$/,
    },
    { text: "tcp\0", code: "invalid_expression", message: /character 4 is "\\u0000": only ASCII/ },
  ])("rejects $text", async ({ text, code, message }) => {
    await expect(compileExpression(text)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test("accepts a link type instead of the options", async () => {
    const matches = await compileExpression("tcp", 1);
    expect(matches(TCP_RECORD, 16, TCP_RECORD.length, 1)).toBe(true);
    await expect(compileExpression("tcp", 147)).rejects.toMatchObject({ code: "invalid_expression" });
  });

  test.each(["protochain 6", "ip protochain 6", "ip protochain \\tcp and port 80"])(
    "matches a packet by an expression with a loop: %s",
    async (text) => {
      const matches = await compileExpression(text);
      expect(matches(TCP_RECORD, 16, TCP_RECORD.length, 1)).toBe(true);
      const other = await compileExpression(
        text.replace("protochain 6", "protochain 17").replace("\\tcp", "17"),
      );
      expect(other(TCP_RECORD, 16, TCP_RECORD.length, 1)).toBe(false);
    },
  );

  test("rejects an expression that is invalid for all of the link types", async () => {
    const told: number[] = [];
    const onFault = (linkType: number) => told.push(linkType);
    await expect(compileExpression("tcp", { linkTypes: [239, 147], onFault })).rejects.toMatchObject({
      code: "invalid_expression",
      message: expect.stringMatching(/^"tcp" is not a filter: .+ \(for NFLOG\)$/),
    });
    expect(told).toEqual([]);
  });

  test("matches no packet of a link type for which it does not compile, and warns once", async () => {
    const told: [number, string][] = [];
    const onFault = (linkType: number, message: string) => told.push([linkType, message]);
    const matches = await compileExpression("tcp", { linkTypes: [147, 1, 147], onFault });
    expect(told).toEqual([[147, expect.stringContaining("147")]]);
    for (const linkType of [147, 239, 1, 253, 239, -1, 65_535]) {
      expect(matches(TCP_RECORD, 16, TCP_RECORD.length, linkType)).toBe(linkType === 1);
    }
    const late = [147, 239, 253, -1, 65_535];
    expect(told.map(([linkType]) => linkType)).toEqual(late);
    for (const linkType of late) expect(matches(TCP_RECORD, 16, TCP_RECORD.length, linkType)).toBe(false);
    expect(told).toHaveLength(late.length);
  });

  test("without link types, compiles at the first packet", async () => {
    const told: number[] = [];
    const onFault = (linkType: number) => told.push(linkType);
    const matches = await compileExpression("tcp port", { linkTypes: [], onFault });
    expect(matches(TCP_RECORD, 16, TCP_RECORD.length, 1)).toBe(false);
    expect(told).toEqual([1]);
    const untold = await compileExpression("tcp port", { linkTypes: [] });
    expect(untold(TCP_RECORD, 16, TCP_RECORD.length, 1)).toBe(false);
  });

  test("compiles for a bounded number of link types", async () => {
    const told: [number, string][] = [];
    const onFault = (linkType: number, message: string) => told.push([linkType, message]);
    const matches = await compileExpression("tcp", { onFault });
    for (let linkType = 1000; linkType < 2000; linkType++) {
      expect(matches(TCP_RECORD, 16, TCP_RECORD.length, linkType)).toBe(false);
    }
    // One is Ethernet's.
    expect(told).toHaveLength(MAX_PROGRAMS);
    expect(told.at(-1)).toEqual([999 + MAX_PROGRAMS, "there are more than 256 link types"]);
    expect(matches(TCP_RECORD, 16, TCP_RECORD.length, 1)).toBe(true);
    expect(matches(TCP_RECORD, 30, TCP_RECORD.length, 101)).toBe(false);
  });

  test.each([
    { name: "raw IP", linkType: 101, before: [] },
    { name: "raw IP, as in memory", linkType: 12, before: [] },
    { name: "raw IP, as in memory of OpenBSD", linkType: 14, before: [] },
    { name: "IPv4", linkType: 228, before: [] },
    { name: "ATM", linkType: 100, before: [0xaa, 0xaa, 3, 0, 0, 0, 8, 0] },
    // Libpcap looks for the IP version in the first byte of the SLIP header.
    { name: "BSD/OS SLIP", linkType: 102, before: [0x40, ...new Array<number>(23).fill(0)] },
    { name: "ATM, classical IP", linkType: 106, before: [0xaa, 0xaa, 3, 0, 0, 0, 8, 0] },
  ])("finds IP in $name ($linkType)", async ({ linkType, before }) => {
    const matches = await compileExpression("tcp", { linkTypes: [linkType] });
    const other = await compileExpression("udp", { linkTypes: [linkType] });
    const record = recordOf([...before, ...TCP_PACKET]);
    expect(matches(record, 16, record.length, linkType)).toBe(true);
    expect(other(record, 16, record.length, linkType)).toBe(false);
  });

  describeWithPrograms("matches the same packets as tcpdump:", ["tcpdump"], () => {
    test.each([
      "tcp",
      "udp port 53",
      "ip6 and not icmp6",
      "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
      "len > 100",
      "less 60 or greater 400",
      "net 10.11.0.0/16 and (src port 80 or dst port 53)",
      "vlan or ip[8] * 2 > 100 and ip[2:2] % 7 == 3",
      "ether[0] & 1 = 1",
      "ip6 protochain 6",
      "protochain 58 or ip protochain 17",
    ])("%s", async (text) => {
      const path = join(repository, "examples/captures/sample.pcap");
      const { stdout } = spawnSync("tcpdump", ["-nr", path, "-w", "-", text]);
      const theirs: string[] = [];
      for await (const batch of await decodeCapture(stdout)) theirs.push(...recordsOf(batch));
      const matches = await compileExpression(text, { linkTypes: [] });
      const ours: string[] = [];
      for await (const batch of await decodeCapture(readFileSync(path))) {
        recordsOf(batch).forEach((record, index) => {
          const start = batch.offsets[index]! + 16;
          if (matches(batch.records, start, recordEnd(batch, index), batch.format.linkType))
            ours.push(record);
        });
      }
      expect(ours).toEqual(theirs);
      expect(ours.length).toBeLessThan(527);
    });
  });
});

function recordOf(bytes: readonly number[]): Uint8Array {
  const record = new Uint8Array(16 + bytes.length);
  const view = new DataView(record.buffer);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, bytes.length, true);
  record.set(bytes, 16);
  return record;
}

function recordsOf(batch: Parameters<typeof recordEnd>[0]): string[] {
  return Array.from({ length: batch.length }, (_, index) =>
    Buffer.from(batch.records.subarray(batch.offsets[index]!, recordEnd(batch, index))).toString("hex"),
  );
}

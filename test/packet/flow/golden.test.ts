import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { beforeAll, expect, test } from "vitest";
import { createFlowDecoder, PacketError } from "../../../src/packet/index.js";
import { type Flow, FlowSchema } from "../../../src/proto.js";
import { openCaptureFile } from "../../../src/source/file.js";
import { describeWithShared, sharedPath } from "../../support/shared.js";
import { ETHERNET } from "./frames.js";

/** The result of gopacket 1.1.19, with the layers of Hubble v1.16.2, for a packet. */
interface Row {
  readonly file: string;
  readonly i: number;
  readonly ts: string;
  readonly flow?: JsonValue;
  readonly error?: string;
  readonly readError?: string;
}

/** How that reader writes "no time". */
const NO_TIME = "-62135596800.000000000";

/**
 * Its pcap reader multiplies microseconds by 1000 in 32 bits: a fraction of 3839916976 µs, in an odd file, becomes
 * 216213376 ns. Here the time is that of the record.
 */
const OTHER_TIMES: ReadonlyMap<string, string> = new Map([
  ["tcpdump/rx_serviceid_oobr.pcap 1", "3841.916976000"],
]);

describeWithShared("decodeFlows in strict mode: compared with gopacket", () => {
  let rows: readonly Row[];
  const results = new Map<string, readonly (Flow | PacketError)[]>();

  beforeAll(async () => {
    rows = ["tcpdump", "libpcap", "pcapng"].flatMap((name) => readRows(`packets-${name}.jsonl.gz`));
    for (const file of new Set(rows.map((row) => row.file))) results.set(file, await decodeFile(file));
  });

  const resultOf = (row: Row) => results.get(row.file)?.[row.i];

  test("the rows cover all kinds of packets", () => {
    const having = (wanted: (row: Row) => boolean) => rows.filter(wanted).length;
    expect(rows.length).toBe(8568);
    expect(having(({ flow }) => flow !== undefined)).toBe(8513);
    expect(having(({ error }) => error !== undefined)).toBe(31);
    expect(having(({ readError }) => readError !== undefined)).toBe(24);
  });

  test("yields the same flow as Hubble for every packet that Hubble decodes", () => {
    const differences: unknown[] = [];
    for (const row of rows) {
      if (row.flow === undefined) continue;
      const result = resultOf(row);
      // The rows contain zeros, which the JSON form of protobuf omits.
      const expected = toJson(FlowSchema, fromJson(FlowSchema, row.flow));
      const actual = result instanceof PacketError ? String(result) : result && fromPacket(result);
      if (JSON.stringify(actual) !== JSON.stringify(expected)) {
        differences.push({ file: row.file, i: row.i, expected, actual });
      }
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });

  test("rejects every packet that Hubble rejects, with the same message", () => {
    const refused = rows.filter(({ error }) => error !== undefined);
    expect(refused.map((row) => (resultOf(row) as PacketError | undefined)?.message)).toEqual(
      refused.map(({ error }) => error),
    );
  });

  test("yields the same times as Hubble", () => {
    const differences: unknown[] = [];
    for (const row of rows) {
      const result = resultOf(row);
      if (row.flow === undefined || result === undefined || result instanceof PacketError) continue;
      const expected = OTHER_TIMES.get(`${row.file} ${row.i}`) ?? row.ts;
      const actual = result.time
        ? `${result.time.seconds}.${String(result.time.nanos).padStart(9, "0")}`
        : NO_TIME;
      if (actual !== expected) differences.push({ file: row.file, i: row.i, expected, actual });
    }
    expect(differences).toEqual([]);
  });

  test("yields at least the flows before the record at which Hubble's reader failed", () => {
    for (const row of rows) {
      if (row.readError !== undefined) {
        expect(results.get(row.file)?.length ?? 0, row.file).toBeGreaterThanOrEqual(row.i);
      }
    }
  });
});

function readRows(name: string): Row[] {
  const text = gunzipSync(readFileSync(sharedPath("golden", name))).toString();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

async function decodeFile(file: string): Promise<readonly (Flow | PacketError)[]> {
  const results: (Flow | PacketError)[] = [];
  const decoder = createFlowDecoder({ strict: true });
  try {
    const source = await openCaptureFile(join(sharedPath("captures"), file));
    try {
      for await (const batch of source) {
        if (batch.format.linkType === ETHERNET) results.push(...decoder.decodeEach(batch));
      }
    } finally {
      await source[Symbol.asyncDispose]();
    }
  } catch {
    // Damaged on purpose, or refused: the rows say how far one gets.
  }
  return results;
}

function fromPacket({ ethernet, IP, l4, Summary }: Flow): JsonValue {
  return toJson(
    FlowSchema,
    create(FlowSchema, { ...(ethernet && { ethernet }), ...(IP && { IP }), ...(l4 && { l4 }), Summary }),
  );
}

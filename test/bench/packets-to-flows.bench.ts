// Packets to flows: whole process against whole process, beside tshark; then the decoder alone, beside `create`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { compileFlowFilters, type FlowFilterLists, packetPart } from "../../dist/filter/index.js";
import {
  createBatch,
  createFlowDecoder,
  type FlowDecoder,
  type FlowOptions,
  type PacketBatch,
} from "../../dist/packet/index.js";
import { type Flow, FlowSchema } from "../../dist/proto.js";
import { createRandom, pcapHeader } from "./inputs/synthetic-capture.js";
import { alternate, inTemporaryFolder, programVersion, ROUNDS, runProgram } from "./measure.js";
import { type BenchmarkResult, type BenchmarkTable, ratioOf, withRatioGoal } from "./report/result.js";

const PACKETS = 300_000;
const CONVERSATIONS = 1000;
const FRAME_BYTES = 128;
const PROGRAM = join(import.meta.dirname, "programs/packets-to-flows.mjs");
const COLUMNS = [
  "frame.time_epoch",
  "eth.src",
  "eth.dst",
  "ip.src",
  "ip.dst",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.flags",
  "udp.srcport",
  "udp.dstport",
];
/** Goals: the time relative to tshark's; million packets a second alone; how many times as fast with packetPart. */
const LIMITS = { ratio: 1 / 8, packetsPerSecond: 1, packetPart: 3 } as const;

export async function run(): Promise<BenchmarkResult> {
  const batch = conversations();
  const whole = await inTemporaryFolder((folder) => besideTshark(folder, batch));
  const ratio = ratioOf(whole.rows[0]!)!;
  return {
    tables: [whole, ...alone(batch)],
    peers: { tshark: programVersion("tshark") ?? "unknown" },
    gain: `Packets to flows, written as columns: ${(1 / ratio).toFixed(1)} times as fast as \`tshark -T fields\`.`,
  };
}

function besideTshark(folder: string, batch: PacketBatch): BenchmarkTable {
  const capture = join(folder, "capture.pcap");
  writeFileSync(capture, Buffer.concat([pcapHeader(), batch.records]));
  const ours = join(folder, "ours");
  const theirs = join(folder, "theirs");
  let peakKilobytes = 0;
  const fields = COLUMNS.map((column) => `-e ${column}`).join(" ");
  const { flowscribe, tshark } = alternate(ROUNDS, {
    flowscribe: () => {
      const { milliseconds, stdout } = runProgram(process.execPath, [PROGRAM, capture, ours]);
      peakKilobytes = Math.max(peakKilobytes, JSON.parse(stdout).peakKilobytes);
      return milliseconds;
    },
    tshark: () =>
      runProgram("sh", ["-c", `exec tshark -n -r ${capture} -T fields ${fields} > ${theirs} 2>/dev/null`])
        .milliseconds,
  });
  if (readFileSync(ours, "utf8") !== readFileSync(theirs, "utf8")) throw new Error("the two files differ");
  const name = `${PACKETS.toLocaleString("en")} packets of ${FRAME_BYTES} bytes (peak ${(peakKilobytes / 1024).toFixed(0)} MiB)`;
  return {
    title: `Packets to ${COLUMNS.length} columns in a file, whole process`,
    unit: "ms",
    columns: ["flowscribe", "tshark"],
    rows: [withRatioGoal({ name, figures: [flowscribe, tshark] }, LIMITS.ratio)],
  };
}

function alone(batch: PacketBatch): BenchmarkTable[] {
  const decoding = (options: FlowOptions) => {
    const decoder = createFlowDecoder(options);
    return () => perSecond(() => useAll(decoder.decode(batch)));
  };
  const known: FlowOptions = {
    endpoint: (ip) => ({ ID: 1, identity: 1000, labels: ["k8s:app=web", "k8s:ns=shop"], podName: ip }),
    names: (ip) => [`${ip}.example`],
    service: (_, port) => (port === 443 ? { name: "web", namespace: "shop" } : undefined),
  };
  const works = {
    "by default": decoding({}),
    strict: decoding({ strict: true }),
    "with guessReplies": decoding({ guessReplies: true }),
    "with endpoint, names and service": decoding(known),
    create: () => perSecond(() => useAll(recreated(batch))),
  };
  const lists: FlowFilterLists = { allow: [{ destinationPort: ["9000"], tcpFlags: [{ SYN: true }] }] };
  const passes = compileFlowFilters(lists);
  const part = packetPart(lists);
  const selecting = (flowsOf: (decoder: FlowDecoder) => Iterable<Flow>) => {
    const decoder = createFlowDecoder();
    return () =>
      perSecond(() => {
        for (const flow of flowsOf(decoder)) passes(flow);
        return batch.length;
      });
  };
  const filtering = {
    all: selecting((decoder) => decoder.decode(batch)),
    part: selecting((decoder) => decoder.decode(batch, part)),
  };
  // V8 compiles in the first round.
  for (const work of [...Object.values(works), ...Object.values(filtering)]) work();
  const { create: created, ...decoded } = alternate(ROUNDS, works);
  const filtered = alternate(ROUNDS, filtering);
  const common = { unit: "M/s", digits: 2, moreIsBetter: true };
  return [
    {
      ...common,
      title: "Million packets a second, the decoder alone, all strings used",
      columns: ["flowscribe", "every message created again with create()"],
      rows: Object.entries(decoded).map(([name, figures]) => {
        const goal = {
          text: `at least ${LIMITS.packetsPerSecond} M/s`,
          isMet: figures.median >= LIMITS.packetsPerSecond,
        };
        return { name, figures: [figures, created], goal };
      }),
    },
    {
      ...common,
      title: "Million packets a second, decoded and filtered",
      columns: ["with packetPart", "all flows created"],
      rows: [
        withRatioGoal(
          { name: "a port and a TCP flag", figures: [filtered.part, filtered.all] },
          LIMITS.packetPart,
          "atLeast",
        ),
      ],
    },
  ];
}

/** Million packets a second. */
function perSecond(work: () => number): number {
  const start = process.hrtime.bigint();
  const packets = work();
  return packets / (Number(process.hrtime.bigint() - start) / 1e3);
}

/** Reads what a program would: a text that is put together is made only when it is read. */
function useAll(flows: Iterable<Flow>): number {
  let packets = 0;
  let sum = 0;
  for (const { time, ethernet, IP, Summary } of flows) {
    packets++;
    sum += lastCode(Summary) + (time?.nanos ?? 0);
    if (ethernet !== undefined) sum += lastCode(ethernet.source) + lastCode(ethernet.destination);
    if (IP !== undefined) sum += lastCode(IP.source) + lastCode(IP.destination);
  }
  if (sum < 0) throw new Error("unreachable");
  return packets;
}

function lastCode(text: string): number {
  return text.charCodeAt(text.length - 1);
}

/** The same messages the usual way. */
function* recreated(batch: PacketBatch): Generator<Flow, void, undefined> {
  for (const { $typeName: _, ...init } of createFlowDecoder().decode(batch)) {
    const { time, ethernet, IP, l4 } = init;
    yield create(FlowSchema, {
      ...init,
      ...(time && { time: { seconds: time.seconds, nanos: time.nanos } }),
      ...(ethernet && { ethernet: { source: ethernet.source, destination: ethernet.destination } }),
      ...(IP && { IP: { source: IP.source, destination: IP.destination, ipVersion: IP.ipVersion } }),
      ...(l4 && { l4: { protocol: l4.protocol } }),
    });
  }
}

/** TCP and UDP between 10.0.0.0/22 and 10.1.0.0/22, both ways; the same at every run. */
function conversations(): PacketBatch {
  const random = createRandom(1);
  const frames = Array.from({ length: CONVERSATIONS }, () => frame(random));
  return createBatch(
    { linkType: 1, resolution: "us", snapLength: 262_144, interfaceId: 0 },
    Array.from({ length: PACKETS }, (_, index) => ({
      bytes: frames[(index * 7) % CONVERSATIONS]!,
      seconds: 1_700_000_000 + Math.floor(index / 100_000),
      nanoseconds: (index % 100_000) * 10_000,
    })),
  );
}

function frame(random: (below: number) => number): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  const there = random(2) === 0;
  const isTcp = random(3) > 0;
  const client = [10, 0, random(4), random(256)];
  const server = [10, 1, random(4), random(256)];
  const ports = [1024 + random(64_000), [80, 443, 9000, 8080][random(4)]!];
  bytes.set([2, 0, 0, 0, 0, random(8), 2, 0, 0, 0, 1, random(8)]);
  view.setUint16(12, 0x0800);
  bytes[14] = 0x45;
  view.setUint16(16, FRAME_BYTES - 14);
  bytes[22] = 64;
  bytes[23] = isTcp ? 6 : 17;
  bytes.set(there ? [...client, ...server] : [...server, ...client], 26);
  view.setUint16(34, ports[there ? 0 : 1]!);
  view.setUint16(36, ports[there ? 1 : 0]!);
  if (isTcp) {
    bytes[46] = 0x50;
    bytes[47] = [0x02, 0x10, 0x18, 0x11][random(4)]!;
  } else {
    view.setUint16(38, FRAME_BYTES - 34);
  }
  return bytes;
}

import { spawnSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, type WriteStream, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll } from "vitest";
import {
  copyBatch,
  createBatch,
  filterPackets,
  fromBatches,
  type PacketBatch,
  type PacketFormat,
} from "../../src/packet/index.js";
import { createSource } from "../../src/packet/source/create-source.js";
import { decodeCapture, encodePcap, encodePcapng } from "../../src/pcap/index.js";
import { openCaptureFile } from "../../src/source/file.js";
import { amount } from "../support/amount.js";
import { describeWithPrograms } from "../support/shared.js";
import { type Delivery, type Ending, sourceContract } from "./source.js";

const ETHERNET: PacketFormat = { linkType: 1, resolution: "us", snapLength: 262_144, interfaceId: 0 };
const FORMATS: readonly PacketFormat[] = [
  ETHERNET,
  { ...ETHERNET, resolution: "ns" },
  { ...ETHERNET, linkType: 113, snapLength: 0 },
];

/** Bytes of a small chunk: fewer than a record header in the long tests, about two records in the quick ones. */
const CHUNK = amount({ quick: 61, long: 7 });

const folder = mkdtempSync(join(tmpdir(), "flowscribe-contract-"));
let files = 0;

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function newPath(): string {
  return join(folder, `${files++}`);
}

class Failure extends Error {
  readonly why = "for the test";
}
const FAILURE = { why: "for the test" };

/** The batches as a generator, which can fail or wait, and reports whether it still runs. */
function createGenerator(): {
  batches: (delivery: Delivery) => AsyncGenerator<PacketBatch>;
  held: () => string;
} {
  let running = 0;
  async function* batches({ format, batches: packets, ending }: Delivery): AsyncGenerator<PacketBatch> {
    running++;
    let wait: Promise<void> | undefined;
    try {
      for (const batch of packets) yield createBatch(format, batch);
      if (ending === "fail") throw new Failure();
      // This wait cannot be ended, so it is not counted.
      if (ending === "wait") {
        running--;
        wait = new Promise(() => {});
        await wait;
      }
    } finally {
      if (wait === undefined) running--;
    }
  }
  return { batches, held: () => (running === 0 ? "" : `${running} generators run on`) };
}

sourceContract("fromBatches of an array", {
  open: async ({ format, batches }) =>
    fromBatches(
      batches.map((packets) => createBatch(format, packets)),
      format,
    ),
  endings: ["end"],
  formats: FORMATS,
  reusesBatches: false,
});

const generator = createGenerator();
sourceContract("fromBatches of an async generator", {
  open: async (delivery) => fromBatches(generator.batches(delivery), delivery.format),
  endings: ["end", "fail", "wait"],
  failure: FAILURE,
  formats: FORMATS,
  reusesBatches: false,
  held: generator.held,
});

const kept = createGenerator();
sourceContract("keep over a source that does not lend", {
  open: async (delivery) => filterPackets(fromBatches(kept.batches(delivery), delivery.format), () => true),
  endings: ["end", "fail", "wait"],
  failure: FAILURE,
  formats: FORMATS,
  reusesBatches: false,
  held: kept.held,
});

let waiting = 0;
sourceContract("a source that never ends by itself, as live ones are", {
  open: async ({ format, batches }) => {
    const rest = batches.map((packets) => createBatch(format, packets));
    let wake: (() => void) | undefined;
    let ended = false;
    const end = () => {
      ended = true;
      wake?.();
    };
    return createSource({
      interfaces: [format],
      pull: async () => {
        if (rest.length === 0 && !ended) {
          waiting++;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          waiting--;
        }
        return rest.shift();
      },
      dropped: () => 0,
      copy: copyBatch,
      stop: end,
      close: end,
    });
  },
  endings: ["wait"],
  formats: [ETHERNET],
  reusesBatches: true,
  held: () => (waiting === 0 ? "" : `${waiting} waits go on`),
});

/** Whole captures in memory, of which the damaged ones end inside a record. */
async function encode(
  { format, batches, ending }: Delivery,
  to: typeof encodePcap | typeof encodePcapng,
): Promise<Uint8Array> {
  const source = fromBatches(
    batches.map((packets) => createBatch(format, packets)),
    format,
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of to(source)) chunks.push(chunk);
  // A record header without a packet; for pcapng a block that is too short to be one.
  if (ending === "fail") chunks.push(Buffer.from("0600000008000000ff000000ff000000", "hex"));
  return new Uint8Array(Buffer.concat(chunks));
}

const CAPTURES = [
  { name: "pcap", encodeTo: encodePcap, compress: false, failure: { code: "truncated_capture" } },
  { name: "pcapng", encodeTo: encodePcapng, compress: false, failure: { code: "malformed_capture" } },
  { name: "pcap in gzip", encodeTo: encodePcap, compress: true, failure: { code: "truncated_capture" } },
  { name: "pcapng in gzip", encodeTo: encodePcapng, compress: true, failure: { code: "malformed_capture" } },
];

for (const { name, encodeTo, compress, failure } of CAPTURES) {
  const bytesOf = async (delivery: Delivery) => {
    const bytes = await encode(delivery, encodeTo);
    return compress ? new Uint8Array(gzipSync(bytes)) : bytes;
  };
  const common = { failure, formats: FORMATS, reusesBatches: true } as const;
  const endings: readonly Ending[] = ["end", "fail"];

  sourceContract(`decodeCapture of ${name}`, {
    ...common,
    endings,
    open: async (delivery) => decodeCapture(await bytesOf(delivery)),
  });

  sourceContract(`decodeCapture of ${name} in small chunks`, {
    ...common,
    endings: [...endings, "wait"],
    open: async (delivery) => {
      const bytes = await bytesOf(delivery);
      return decodeCapture(chunksOf(bytes, delivery.ending === "wait"));
    },
  });

  sourceContract(`keep over decodeCapture of ${name}`, {
    ...common,
    endings,
    open: async (delivery) => filterPackets(await decodeCapture(await bytesOf(delivery)), () => true),
  });

  sourceContract(`openCaptureFile of a regular file, ${name}`, {
    ...common,
    endings,
    open: async (delivery) => {
      const path = newPath();
      writeFileSync(path, await bytesOf(delivery));
      return openCaptureFile(path);
    },
  });
}

async function* chunksOf(bytes: Uint8Array, wait: boolean): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
  if (wait) await new Promise(() => {});
}

describeWithPrograms("named pipes", ["mkfifo"], () => {
  const writers: WriteStream[] = [];

  sourceContract("openCaptureFile of a named pipe", {
    endings: ["end", "fail"],
    failure: { code: "truncated_capture" },
    formats: FORMATS,
    reusesBatches: true,
    open: async (delivery) => {
      const path = newPath();
      spawnSync("mkfifo", [path]);
      const bytes = await encode(delivery, encodePcap);
      const writer = createWriteStream(path);
      // A reader that leaves early breaks the pipe.
      writer.on("error", () => {});
      writer.end(bytes);
      writers.push(writer);
      return openCaptureFile(path);
    },
  });

  afterAll(() => {
    for (const writer of writers) writer.destroy();
  });
});

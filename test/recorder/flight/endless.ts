// A flight recorder that runs until it is killed: `endless.ts <folder>`. Packets are numbered and a millisecond apart. A trigger
// begins a capture every 1000 packets, of the 300 before it and the 300 after it. For each batch that a sink has written, it
// prints the file and the number of its last packet.
import { fromBatches, type PacketBatch } from "../../../src/packet/index.js";
import { createFlightRecorder, type OpenSink } from "../../../src/recorder/index.js";
import { fileSink } from "../../../src/sink/file.js";
import { batchOf, ETHERNET, idsOf } from "../packets.js";

const PACKETS_PER_BATCH = 100;
const [folder = ""] = process.argv.slice(2);
const open = fileSink(folder, { fileFormat: "pcapng" });

async function* batches(): AsyncGenerator<PacketBatch> {
  for (let first = 0; ; first += PACKETS_PER_BATCH) {
    const ids = Array.from({ length: PACKETS_PER_BATCH }, (_, index) => first + index);
    yield batchOf(
      ids.map((id) => ({ id, length: 400, timeMs: id })),
      ETHERNET,
    );
    if (first % 1000 === 0) recorder.trigger({ timeMs: first });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const sink: OpenSink = async (request) => {
  const opened = await open(request);
  return Object.assign(Object.create(opened), {
    filePath: opened.filePath,
    write: async (batch: PacketBatch) => {
      await opened.write(batch);
      console.log(`${opened.filePath} ${idsOf(batch).at(-1)}`);
    },
    close: (...args: Parameters<typeof opened.close>) => opened.close(...args),
    abort: () => opened.abort(),
  });
};

const recorder = createFlightRecorder(fromBatches(batches(), ETHERNET), {
  sink,
  beforeMs: 300,
  afterMs: 299,
  maxPerMinute: 1_000_000,
});
await recorder.stopped;

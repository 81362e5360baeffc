/** Run as a process of its own, whose files may not grow beyond a limit: records until that is met, and prints how. */
import { FlowscribeError } from "../../src/errors/errors.js";
import { fromBatches } from "../../src/packet/index.js";
import { type RecordingStats, record } from "../../src/recorder/index.js";
import { type FileSinkOptions, fileSink } from "../../src/sink/file.js";
import { ETHERNET, numbered, WANTED } from "../recorder/packets.js";

export interface LimitedOutcome {
  readonly code: string | undefined;
  readonly cause: string | undefined;
  readonly message: string;
  readonly stats: RecordingStats | undefined;
}

const [folder = "", fileFormat = "pcap", batchLength = "1"] = process.argv.slice(2);

function* batches() {
  for (let first = 0; first < 1e6; first += Number(batchLength)) yield numbered(Number(batchLength), first);
}

const recording = record(fromBatches(batches(), ETHERNET), WANTED, {
  sink: fileSink(folder, { fileFormat: fileFormat as NonNullable<FileSinkOptions["fileFormat"]> }),
});
const [outcome] = await Promise.allSettled([recording.stopped]);
let stats: RecordingStats | undefined;
for await (const update of recording.updates) stats = update;
const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
const report: LimitedOutcome = {
  code: error instanceof FlowscribeError ? error.code : undefined,
  cause: error instanceof FlowscribeError ? (error.cause as NodeJS.ErrnoException).code : undefined,
  message: error instanceof Error ? error.message : "no failure",
  stats,
};
console.log(JSON.stringify(report));

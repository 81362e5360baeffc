// Run as a process of its own, in JavaScript and with the built package because that starts faster: collects an export file
// into a file of flows, with a checkpoint. Prints a line before and after each write and each checkpoint, at which it can be
// killed.
import { writeSync } from "node:fs";
import { collect } from "flowscribe/collect";
import { openCheckpointFile } from "flowscribe/sink/checkpoint";
import { openFlowFile } from "flowscribe/sink/export";
import { exportFileSource } from "flowscribe/source/export";

const [input = "", output = "", checkpointPath = "", mode] = process.argv.slice(2);

async function traced(work) {
  writeSync(1, "before\n");
  const result = await work();
  writeSync(1, "after\n");
  return result;
}

/** Time that passes ten times as fast, so that the file is checked often. */
const clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs / 10);
    return () => clearTimeout(timer);
  },
};

const sink = await openFlowFile(output, { maxFileBytes: 200_000, maxBackups: 0 });
const checkpoint = openCheckpointFile(checkpointPath);
const source = exportFileSource(input, {
  follow: mode === "follow",
  onReport: (report) => console.error(report),
  clock,
});
await collect(source, {
  outputs: [
    {
      name: "file",
      sink: {
        stats: sink.stats,
        write: (events, signal) => traced(() => sink.write(events, signal)),
        flush: () => sink.flush(),
        [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
      },
    },
  ],
  checkpoint: {
    load: () => checkpoint.load(),
    save: (position) => traced(() => checkpoint.save(position)),
  },
  checkpointIntervalMs: 50,
  clock,
}).stopped;
await sink[Symbol.asyncDispose]();

import { readdirSync, readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { RecordRequestSchema } from "../../src/gen/recorder/recorder_pb.js";
import { createRecorderService } from "../../src/recorder/index.js";
import { openRecorderServer, openTransport, recordRemote } from "../../src/rpc/index.js";
import { describeOnNetwork } from "../cli/record/live-network.js";
import { WANTED } from "../recorder/packets.js";
import { memorySink } from "../recorder/sinks.js";
import { controlledSource } from "../recorder/sources.js";
import { PATIENCE } from "../support/patience.js";

const CALLS = 1000;
const MAX_RECORDINGS = 4;
/** Calls that are sent before the first of them is reset. */
const CALLS_AT_ONCE = 50;
/** Of RST_STREAM. */
const CANCEL = 8;

/** A start in the framing of gRPC. */
const START = (() => {
  const message = toBinary(
    RecordRequestSchema,
    create(RecordRequestSchema, { requestType: { case: "start", value: WANTED as never } }),
  );
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
})();

/** Starts recordings and resets each of them at once. */
async function startAndReset(address: string, calls: number, onWave: () => void): Promise<void> {
  for (let sent = 0; sent < calls; sent += CALLS_AT_ONCE) {
    await startAndResetWave(address);
    onWave();
  }
}

/** On a connection of its own: nghttp2 ends one that resets more than 1,000 streams in a burst. */
async function startAndResetWave(address: string): Promise<void> {
  const path = address.startsWith("unix://") ? address.slice("unix://".length) : undefined;
  const session = connectHttp2(
    `http://${path === undefined ? address : "localhost"}`,
    path === undefined ? {} : { createConnection: () => connect(path) },
  );
  try {
    const streams = Array.from({ length: CALLS_AT_ONCE }, () => {
      const stream = session.request({
        ":method": "POST",
        ":path": "/recorder.Recorder/Record",
        "content-type": "application/grpc+proto",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.write(START);
      return stream;
    });
    // The server opens sources for the first calls, and has no source for the others when it rejects one of them.
    await new Promise<void>((resolve) => {
      for (const stream of streams) stream.once("response", () => resolve());
    });
    await Promise.all(
      streams.map((stream) => {
        const closed = new Promise<void>((resolve) => stream.once("close", resolve));
        stream.close(CANCEL);
        return stream.destroyed ? undefined : closed;
      }),
    );
  } finally {
    session.destroy();
  }
}

test(`openRecorderServer: ${CALLS} calls that start and reset never have more than maxRecordings sources open`, async () => {
  let open = 0;
  let most = 0;
  let opened = 0;
  const service = createRecorderService({
    nodeName: "n",
    limits: { maxRecordings: MAX_RECORDINGS },
    // Takes its time, and does not respect the signal.
    openSource: async () => {
      open++;
      opened++;
      most = Math.max(most, open);
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      return Object.assign(controlledSource(), {
        [Symbol.asyncDispose]: async () => {
          for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
          open--;
        },
      });
    },
    openSink: memorySink().open,
  });
  await using server = await openRecorderServer("127.0.0.1:0", service);
  await startAndReset(server.address, CALLS, () => {});
  await vi.waitFor(() => expect(service.counters).toMatchObject({ calls: 0, running: 0 }), PATIENCE);
  expect(most).toBe(MAX_RECORDINGS);
  expect(opened).toBeGreaterThan(MAX_RECORDINGS);
  expect(open).toBe(0);
});

describeOnNetwork("flowscribe serve --max-recordings 4", (live) => {
  /** Resident memory in MiB, and sockets that capture, of a process. */
  function usage(pid: number) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const captures = readFileSync(`/proc/${pid}/net/packet`, "utf8").trimEnd().split("\n").length - 1;
    return { mebibytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024), captures };
  }

  test(`openRecorderServer: ${CALLS} calls that start and reset do not grow memory`, async () => {
    const { folder, pair } = live();
    const address = `unix://${join(folder, "slots.sock")}`;
    const where = ["-i", pair.receiver.device, "--folder", join(folder, "pcaps"), "--listen", address];
    const limit = ["--max-recordings", String(MAX_RECORDINGS)];
    const { child, ended } = await live().start('"event":"listening"', "serve", ...where, ...limit);
    const pid = child.pid!;
    const captures: number[] = [];
    const watching = setInterval(() => captures.push(usage(pid).captures), 5);
    const memory: number[] = [];
    await startAndReset(address, CALLS, () => memory.push(usage(pid).mebibytes));
    await vi.waitFor(() => expect(usage(pid).captures).toBe(0), PATIENCE);
    clearInterval(watching);
    console.log(`memory: ${memory.join(" ")} MiB, captures at most ${Math.max(...captures)}`);
    expect(Math.max(...captures)).toBeLessThanOrEqual(MAX_RECORDINGS);
    // Four buffers of 16 MiB beside the program itself; 300 calls once took 1.8 GB.
    expect(Math.max(...memory)).toBeLessThan(400);
    expect(readdirSync(`/proc/${pid}/fd`).length).toBeLessThan(100);

    // And the slots are free again.
    await using transport = openTransport(address);
    await vi.waitFor(async () => {
      const recordings = Array.from({ length: MAX_RECORDINGS }, () => recordRemote(transport, WANTED));
      const starts = await Promise.allSettled(recordings.map(({ started }) => started));
      // Those of an attempt that was too early must not hold the slots of the next.
      for (const recording of recordings) recording.stop();
      await Promise.allSettled(recordings.map(({ stopped }) => stopped));
      expect(starts.map(({ status }) => status)).not.toContain("rejected");
    }, PATIENCE);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });
});

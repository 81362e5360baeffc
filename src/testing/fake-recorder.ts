import { type ConnectRouter, createRouterTransport, type Transport } from "@connectrpc/connect";
import { BoundedQueue } from "../async/bounded-queue.js";
import type { Clock } from "../async/clock.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aString } from "../errors/value-checks.js";
import type { StartRecording } from "../gen/recorder/recorder_pb.js";
import {
  aFormat,
  createBatch,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
} from "../packet/batch.js";
import { LINKTYPE_ETHERNET } from "../packet/link-type.js";
import { createSource } from "../packet/source/create-source.js";
import type { PacketSource } from "../packet/source.js";
import { createRecordingWriter } from "../pcap/load-writer.js";
import { recordingFileName } from "../recorder/file-name.js";
import {
  createRecorderService,
  OPTIONAL_SERVICE_OPTIONS,
  type RecorderService,
  type RecorderServiceOptions,
} from "../recorder/service.js";
import type { OpenSink } from "../recorder/sink.js";
import { recorderRoutes } from "../rpc/server/connect-service.js";
import { fakeClock } from "./fake-clock.js";

/** Options of a fake Recorder. */
export interface FakeRecorderOptions
  extends Partial<Omit<RecorderServiceOptions, "openSource" | "openSink">> {
  /** Format of the packets; default: Ethernet, microseconds, no snap length. */
  readonly format?: PacketFormat;
}

const FAKE_OPTIONS: OptionTable<FakeRecorderOptions> = {
  ...OPTIONAL_SERVICE_OPTIONS,
  nodeName: aString,
  format: aFormat,
};

/** A recording of a fake Recorder. */
export interface FakeRecording {
  readonly start: StartRecording;
  readonly filePath: string;
  /** The pcap file written so far. */
  readonly bytes: Uint8Array;
  /** Whether the file was closed or the recording aborted. */
  readonly isClosed: boolean;
}

/** An in-process Recorder, for tests of programs that record packets. */
export interface FakeRecorder {
  /** A transport for `recordRemote` and any Connect client. */
  readonly transport: Transport;
  /** The routes of the same service, to serve it over the network. */
  readonly routes: (router: ConnectRouter) => void;
  readonly service: RecorderService;
  /** Delivers packets to every recording in progress. */
  push(...packets: readonly PacketInit[]): void;
  /** Counts packets as dropped in the kernel, for every recording in progress. */
  lose(count: number): void;
  /** Makes the source of every recording in progress fail with `error`. */
  fail(error: unknown): void;
  readonly recordings: readonly FakeRecording[];
}

const ETHERNET: PacketFormat = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: 0,
  interfaceId: 0,
};

/**
 * Creates a fake Recorder: the real service, with packets pushed by the test and files in memory. By default its clock
 * does not advance. It reports statistics on every change.
 *
 * @throws OptionsError
 */
export function fakeRecorder(options: FakeRecorderOptions = {}): FakeRecorder {
  checkOptions("fakeRecorder", options, FAKE_OPTIONS);
  const { format = ETHERNET, nodeName = "default/fake-node", clock = fakeClock(), ...others } = options;
  const sources = new Set<FakeSource>();
  const recordings: (FakeRecording & { chunks: Uint8Array[] })[] = [];
  /** Requests whose sinks are not open yet: the service opens the source of a request, then its sink. */
  const started: StartRecording[] = [];
  const service = createRecorderService({
    changeIntervalMs: 0,
    ...others,
    nodeName,
    clock,
    openSource: async (start) => {
      started.push(start);
      const source = new FakeSource(format, () => sources.delete(source));
      sources.add(source);
      return source.source;
    },
    openSink: memorySink(nodeName, clock, () => started.shift()!, recordings),
  });
  const routes = recorderRoutes(service);
  return {
    transport: createRouterTransport(routes),
    routes,
    service,
    push: (...packets) => {
      for (const source of sources) source.push(createBatch(format, packets));
    },
    lose: (count) => {
      for (const source of sources) source.dropped += count;
    },
    fail: (error) => {
      for (const source of sources) source.fail(error);
    },
    recordings,
  };
}

/** A source of packets that the test pushes. */
class FakeSource {
  readonly source: PacketSource;
  dropped = 0;
  /** Unbounded: the recording may begin to read after the test has pushed everything. */
  readonly #arrived = new BoundedQueue<PacketBatch>(Number.POSITIVE_INFINITY);

  constructor({ linkType, resolution, snapLength }: PacketFormat, onClose: () => void) {
    const end = () => this.#arrived.end();
    this.source = createSource({
      interfaces: [{ linkType, resolution, snapLength }],
      pull: async () => (await this.#arrived.next()).value,
      dropped: () => this.dropped,
      stop: end,
      leave: end,
      close: onClose,
    });
  }

  push(batch: PacketBatch): void {
    void this.#arrived.push(batch);
  }

  fail(error: unknown): void {
    this.#arrived.end({ error });
  }
}

function memorySink(
  nodeName: string,
  clock: Clock,
  nextStart: () => StartRecording,
  recordings: (FakeRecording & { chunks: Uint8Array[] })[],
): OpenSink {
  return async ({ filePrefix, interfaces, snapLength }) => {
    const writer = createRecordingWriter({ resolution: "us", snapLength, interfaces });
    const name = recordingFileName({
      prefix: filePrefix,
      nowMs: clock.now(),
      random: recordings.length + 1,
      nodeName,
      extension: "pcap",
    });
    const chunks = [writer.begin().slice()];
    let isClosed = false;
    const filePath = `/fake/${name}`;
    recordings.push({
      start: nextStart(),
      filePath,
      chunks,
      get bytes() {
        return joined(chunks);
      },
      get isClosed() {
        return isClosed;
      },
    });
    return {
      filePath,
      write: (batch) => {
        chunks.push(writer.encode(batch).slice());
      },
      close: async () => {
        isClosed = true;
        return { filePath };
      },
      abort: async () => {
        isClosed = true;
      },
    };
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

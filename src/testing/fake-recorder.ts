import { type ConnectRouter, createRouterTransport, type Transport } from "@connectrpc/connect";
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
import { createSource, type PacketSource } from "../packet/source.js";
import { interfaceOf } from "../pcap/encoder.js";
import { createPcapEncoder } from "../pcap/pcap-encode.js";
import { recordingFileName } from "../recorder/file-name.js";
import {
  createRecorderService,
  OPTIONAL_SERVICE_OPTIONS,
  type RecorderService,
  type RecorderServiceOptions,
} from "../recorder/service.js";
import type { OpenSink } from "../recorder/sink.js";
import { recorderRoutes } from "../rpc/connect-service.js";
import { fakeClock } from "./fake-clock.js";

/** What a fake Recorder records. */
export interface FakeRecorderOptions
  extends Partial<Omit<RecorderServiceOptions, "openSource" | "openSink">> {
  /** What the packets are; Ethernet by default. */
  readonly format?: PacketFormat;
}

const FAKE_OPTIONS: OptionTable<FakeRecorderOptions> = {
  ...OPTIONAL_SERVICE_OPTIONS,
  nodeName: aString,
  format: aFormat,
};

/** A recording that the fake has taken up. */
export interface FakeRecording {
  readonly start: StartRecording;
  readonly filePath: string;
  /** The pcap so far. */
  readonly bytes: Uint8Array;
  /** Whether the file is complete: closed, or given up. */
  readonly isClosed: boolean;
}

/** A Recorder in this process, for tests of programs that record. */
export interface FakeRecorder {
  /** For `recordRemote` and every client of Connect. */
  readonly transport: Transport;
  /** The same, to be served over the network. */
  readonly routes: (router: ConnectRouter) => void;
  readonly service: RecorderService;
  /** Lets packets arrive at every recording there is. */
  push(...packets: readonly PacketInit[]): void;
  /** Counts packets as lost in the kernel, for every recording there is. */
  lose(count: number): void;
  /** Makes the source of every recording there is fail. */
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
 * A fake Recorder: the service itself, over packets that the test pushes and files in memory. Time stands still unless the
 * test's clock goes on; statistics are told at every change.
 */
export function fakeRecorder(options: FakeRecorderOptions = {}): FakeRecorder {
  checkOptions("fakeRecorder", options, FAKE_OPTIONS);
  const { format = ETHERNET, nodeName = "default/fake-node", clock = fakeClock(), ...others } = options;
  const sources = new Set<FakeSource>();
  const recordings: (FakeRecording & { chunks: Uint8Array[] })[] = [];
  /** The request for which a sink is being opened next: sources and sinks are opened in turn. */
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

/** How the packets came to their end. */
interface SourceEnd {
  readonly failure?: { readonly error: unknown };
}

/** Packets that arrive when the test says so. */
class FakeSource {
  readonly source: PacketSource;
  dropped = 0;
  readonly #arrived: PacketBatch[] = [];
  #end: SourceEnd | undefined;
  #wake: (() => void) | undefined;

  constructor({ linkType, resolution, snapLength }: PacketFormat, onClose: () => void) {
    this.source = createSource({
      interfaces: [{ linkType, resolution, snapLength }],
      pull: () => this.#pull(),
      dropped: () => this.dropped,
      stop: () => this.#finish({}),
      leave: () => this.#finish({}),
      close: onClose,
    });
  }

  push(batch: PacketBatch): void {
    if (this.#end !== undefined) return;
    this.#arrived.push(batch);
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#finish({ failure: { error } });
  }

  #finish(how: SourceEnd): void {
    this.#end ??= how;
    this.#wake?.();
  }

  async #pull(): Promise<PacketBatch | undefined> {
    for (;;) {
      const batch = this.#arrived.shift();
      if (batch !== undefined) return batch;
      if (this.#end?.failure !== undefined) throw this.#end.failure.error;
      if (this.#end !== undefined) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function memorySink(
  nodeName: string,
  clock: Clock,
  nextStart: () => StartRecording,
  recordings: (FakeRecording & { chunks: Uint8Array[] })[],
): OpenSink {
  return async ({ filePrefix, interfaces, snapLength }) => {
    const encoder = createPcapEncoder({ resolution: "us", snapLength }, true);
    const name = recordingFileName({
      prefix: filePrefix,
      nowMs: clock.now(),
      random: recordings.length + 1,
      nodeName,
      extension: "pcap",
    });
    const chunks = [encoder.begin(interfaceOf(interfaces, undefined)).slice()];
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
        chunks.push(encoder.encode(batch).slice());
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

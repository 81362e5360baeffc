import { copyBatch, type PacketBatch } from "../../src/packet/index.js";
import type { OpenSink, SinkRequest } from "../../src/recorder/index.js";
import { idsOf } from "./packets.js";

type Call = "open" | "write" | "close" | "abort";

/** A sink in memory, whose calls can be held or made to fail. */
export interface MemorySink {
  readonly open: OpenSink;
  readonly request: SinkRequest | undefined;
  /** In the order of the calls. */
  readonly calls: readonly Call[];
  /** The written batches, as they were at the end of each write. */
  readonly batches: readonly PacketBatch[];
  /** Numbers of the written packets. */
  readonly ids: readonly number[];
  /** The call that is held. */
  readonly pending: Call | undefined;
  /** Ends the held call, or makes it fail. */
  release(failure?: { readonly error: unknown }): void;
}

export interface MemorySinkOptions {
  /** Calls that stay pending until they are released. */
  readonly hold?: readonly Call[];
  /** Calls that throw at once (`throws`) or reject. */
  readonly throws?: Partial<Record<Call, unknown>>;
  readonly rejects?: Partial<Record<Call, unknown>>;
}

/** Throws, which fails the recording, if its methods are called in an invalid order. */
export function memorySink({ hold = [], throws = {}, rejects = {} }: MemorySinkOptions = {}): MemorySink {
  const calls: Call[] = [];
  const batches: PacketBatch[] = [];
  let request: SinkRequest | undefined;
  let held: { call: Call; resolve: () => void; reject: (error: unknown) => void } | undefined;
  let over: Call | undefined;

  function begin(call: Call): void | Promise<void> {
    calls.push(call);
    if (over === "abort" || (over === "close" && call !== "abort"))
      throw new TypeError(`${call} after ${over}`);
    if (held !== undefined && call !== "abort") throw new TypeError(`${call} while ${held.call} is pending`);
    if (call === "close" || call === "abort") over = call;
    if (call in throws) throw throws[call];
    if (call in rejects) return Promise.reject(rejects[call]);
    if (!hold.includes(call)) return;
    return new Promise<void>((resolve, reject) => {
      held = { call, resolve, reject };
    });
  }

  return {
    open: (sinkRequest) => {
      request = sinkRequest;
      const opening = begin("open");
      return Promise.resolve(opening).then(() => ({
        write: (batch) => {
          const writing = begin("write");
          const store = () => {
            batches.push(copyBatch(batch));
          };
          return writing === undefined ? store() : writing.then(store);
        },
        close: async () => {
          await begin("close");
          return { filePath: "/recorded" };
        },
        abort: async () => {
          await begin("abort");
        },
      }));
    },
    get request() {
      return request;
    },
    calls,
    batches,
    get ids() {
      return batches.flatMap(idsOf);
    },
    get pending() {
      return held?.call;
    },
    release: (failure) => {
      if (held === undefined) throw new TypeError("no call is held");
      const { resolve, reject } = held;
      held = undefined;
      if (failure === undefined) resolve();
      else reject(failure.error);
    },
  };
}

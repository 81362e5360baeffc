import type { Clock } from "../async/clock.js";
import type { PacketBatch } from "../packet/batch.js";
import type { CaptureInterface, SourceStats } from "../packet/source.js";

/** What a sink is told before the first packet. */
export interface SinkRequest {
  /** As checked: `^[a-z][a-z0-9]{0,19}$`. */
  readonly filePrefix: string;
  /** Those of the source; the list may grow. */
  readonly interfaces: readonly CaptureInterface[];
  /** No packet has more captured bytes, unless the source itself exceeds what pcap allows. */
  readonly snapLength: number;
  readonly clock: Clock;
  /**
   * Aborted when the recording gives up before the sink is open: a sink that waits for something can leave off. One that opens
   * all the same is let go of by `abort`.
   */
  readonly signal?: AbortSignal;
  /** Present when what recordings store is bounded. */
  readonly storage?: StorageAccount;
}

/**
 * Where a sink accounts for the bytes that it stores: those of the format it writes, headers included. Of a sink that never
 * calls it, captured bytes and record headers are counted, as a pcap file has them.
 */
export interface StorageAccount {
  /**
   * To be called before bytes are written.
   *
   * @throws When they do not fit the bound: then nothing is reserved, and the sink must not write them, but fail with this error.
   */
  reserve(bytes: number): void;
  /** Gives back bytes that were not written after all, or have been removed. */
  release(bytes: number): void;
}

/** Opens a sink for one recording; a failure fails the recording before it has started. */
export type OpenSink = (request: SinkRequest) => Promise<PacketSink>;

/**
 * Where recorded packets go. Its methods are called one after the other, never while one is still pending; only `abort`
 * may come at any time.
 */
export interface PacketSink {
  /** Absolute path, if it is a file. */
  readonly filePath?: string;
  /**
   * Takes the packets of a batch, whole. The batch is lent until the call returns, or its promise settles; only a sink
   * that has to wait returns one.
   */
  write(batch: PacketBatch): void | Promise<void>;
  /** Finishes well; no call follows but `abort`. `stats` are those of the source, for formats that keep them. */
  close(stats: SourceStats): Promise<SinkResult>;
  /**
   * Gives up: keeps what is whole and lets go of everything; no call follows. Comes after a call that has failed, or in
   * the middle of one, whose outcome then no longer matters. Must not throw, and should close what it holds before it first waits: after
   * the recording's own abort it is not waited for.
   */
  abort(): Promise<void>;
}

/** What a sink leaves behind. */
export interface SinkResult {
  /** Absolute path, if it is a file. */
  readonly filePath?: string;
}

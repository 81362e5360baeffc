import type { Clock } from "../async/clock.js";
import type { PacketBatch } from "../packet/batch.js";
import type { CaptureInterface, SourceStats } from "../packet/source.js";

/** What a sink receives before the first packet. */
export interface SinkRequest {
  /** Validated: `^[a-z][a-z0-9]{0,19}$`. */
  readonly filePrefix: string;
  /** Interfaces of the source; the list may grow. */
  readonly interfaces: readonly CaptureInterface[];
  /** Maximum captured length of a packet in bytes, unless the source itself exceeds the maximum of pcap. */
  readonly snapLength: number;
  readonly clock: Clock;
  /**
   * Aborted if the recording fails or is aborted before the sink is open, so that the sink can stop waiting. If the
   * sink opens nevertheless, `abort` is called.
   */
  readonly signal?: AbortSignal;
  /** Present if the storage for recordings is limited. */
  readonly storage?: StorageAccount;
}

/**
 * Tracks the bytes that a sink stores, in the format that it writes, headers included. For a sink that never calls it,
 * captured bytes and record headers are counted, as in a pcap file.
 */
export interface StorageAccount {
  /**
   * Call it before writing bytes.
   *
   * @throws If the bytes exceed the limit. Nothing is reserved then; the sink must not write them and must fail with
   *   this error.
   */
  reserve(bytes: number): void;
  /** Releases bytes that were reserved but not written, or that were removed. */
  release(bytes: number): void;
}

/** Opens a sink for one recording. A rejection fails the recording before it starts. */
export type OpenSink = (request: SinkRequest) => Promise<PacketSink>;

/** Where recorded packets are written. Calls never overlap, except that `abort` may be called at any time. */
export interface PacketSink {
  /** Absolute path if the sink is a file. */
  readonly filePath?: string;
  /**
   * Writes all packets of a batch. The batch is only valid until the call returns or its promise settles. Return a
   * promise only if the sink has to wait.
   */
  write(batch: PacketBatch): void | Promise<void>;
  /**
   * Ends gracefully. Only `abort` may be called afterwards. `stats` are the totals of the source, for formats that
   * store them.
   */
  close(stats: SourceStats): Promise<SinkResult>;
  /**
   * Keeps whole records and releases all resources; no call follows. Called after another call has failed, or during a
   * pending call whose result is then ignored. Must not throw. Release resources before the first `await`, as the
   * recording does not always wait for this promise.
   */
  abort(): Promise<void>;
}

/** What a sink reports when it is closed. */
export interface SinkResult {
  /** Absolute path if the sink is a file. */
  readonly filePath?: string;
}

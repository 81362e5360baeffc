import type { EncodedEvent } from "./encoded-event.js";

/** A value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** How {@link EventSource.read} begins and ends. */
export interface ReadOptions {
  /** What {@link EventSource.position} returned in an earlier process; undefined to begin at the source's own start. */
  readonly position: JsonValue | undefined;
  /** Cancels the reading: the iteration throws its reason. */
  readonly signal: AbortSignal;
}

/**
 * Where events come from, in a form that can be resumed: a Hubble server, files, a broker.
 *
 * Delivery is at least once: what was read and not acknowledged is read again after a crash.
 */
export interface EventSource {
  /**
   * Reads events in batches, which may be empty. Called once. Reads only as fast as the batches are taken.
   *
   * @throws from the iteration: any error of the source, after everything that came before it.
   */
  read(options: ReadOptions): AsyncIterable<readonly EncodedEvent[]>;
  /**
   * Says that everything in a batch is durable. Called once for each batch, in the order in which they were read, also
   * for empty ones. A broker's source acknowledges its messages here.
   */
  acknowledge?(batch: readonly EncodedEvent[]): void | Promise<void>;
  /**
   * Where reading must resume after the last acknowledged batch. Absent if the source remembers that itself, as brokers do.
   */
  position?(): JsonValue;
  /**
   * Releases what the source holds after the iteration has ended, such as the connection over which batches are
   * acknowledged. Called once, after the last `acknowledge`. Absent if the source holds nothing then.
   */
  [Symbol.asyncDispose]?(): Promise<void>;
}

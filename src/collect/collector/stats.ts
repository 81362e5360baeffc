/** Counts of one output: offered = written + filtered + refused + aggregated + waiting. */
export interface OutputStats {
  /** Events that were offered to the output. */
  readonly offered: number;
  /** Events that are durable in the sink. */
  readonly written: number;
  /** Flows that are part of the event of another flow. */
  readonly aggregated: number;
  /** Events that the filter lists of the output reject. */
  readonly filtered: number;
  /** Events that the sink refuses for good, or that cannot be decoded. */
  readonly refused: number;
  /** Failed writes. The same events were or are passed to the sink again. */
  readonly retries: number;
  /** Whether the last write has failed and is tried again. */
  readonly isRetrying: boolean;
}

/** Counts of a collector: read = filtered + undecodable + acknowledged + waiting. */
export interface CollectStats {
  /** Events that the source has delivered. */
  readonly read: number;
  /** Events that the filter lists of the collector reject. */
  readonly filtered: number;
  /** Events that cannot be decoded, so that no filter can be asked. They go to the dead-letter sink. */
  readonly undecodable: number;
  /** Events that passed the filter lists, are durable in each output that takes them, and acknowledged to the source. */
  readonly acknowledged: number;
  /** Events that Hubble reports as lost, in the `lost_events` that were read. */
  readonly lost: number;
  /** Refused and undecodable events that are in the dead-letter sink. */
  readonly deadLetters: number;
  /** Refused and undecodable events without a dead-letter sink: they are nowhere. */
  readonly dropped: number;
  /** Checkpoints that were saved. */
  readonly checkpoints: number;
  /** The time of the newest acknowledged event in nanoseconds since 1970; undefined before the first. */
  readonly newest: bigint | undefined;
  /** By the names of the outputs. */
  readonly outputs: Readonly<Record<string, OutputStats>>;
}

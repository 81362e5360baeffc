/** A message that a source cannot read. It is not delivered again. */
export interface UndecodableMessage {
  /** Where the broker has it, such as `stream FLOWS, message 12` or `topic flows, partition 0, offset 12`. */
  readonly position: string;
  readonly body: Uint8Array;
  readonly reason: string;
}

/** What a source has done so far. */
export interface BrokerSourceStats {
  /** Events in the batches that were yielded. */
  readonly events: number;
  /** Events in the batches that were acknowledged, as the broker has confirmed. */
  readonly acknowledged: number;
  /** Messages that could not be read; see {@link UndecodableMessage}. */
  readonly undecodable: number;
}

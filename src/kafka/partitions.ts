/** A partition while it is assigned to this reader: its end, and what was committed. */
export interface Lease {
  readonly partition: number;
  /** The offset behind the last committed message; undefined before the first commit. */
  committed: bigint | undefined;
}

/**
 * The partitions that are assigned to this reader. A partition that is revoked and assigned again has a new lease: another
 * reader may have read it in between, and its offsets must not be overwritten.
 */
export class Partitions {
  readonly #leases = new Map<number, Lease>();

  /** Processes a new assignment. Returns the leases that have ended. */
  assign(partitions: readonly number[]): ReadonlySet<Lease> {
    const ended = new Set<Lease>();
    for (const [partition, lease] of this.#leases) {
      if (partitions.includes(partition)) continue;
      this.#leases.delete(partition);
      ended.add(lease);
    }
    for (const partition of partitions) {
      if (!this.#leases.has(partition)) this.#leases.set(partition, { partition, committed: undefined });
    }
    return ended;
  }

  /** The lease of a partition; undefined if it is not assigned. */
  leaseOf(partition: number): Lease | undefined {
    return this.#leases.get(partition);
  }

  /** Whether a lease has not ended. */
  isCurrent(lease: Lease): boolean {
    return this.#leases.get(lease.partition) === lease;
  }
}

/** Consecutive packets of the ring that lie one after the other in memory, and expire together. */
export interface PacketGroup {
  /** The position of its first packet. */
  begin: number;
  /** The position after its last packet. */
  end: number;
  packets: number;
  /** The number of its packets without a mark. */
  unmarked: number;
  /** The latest time of its packets, in microseconds since 1970. */
  latestUs: number;
}

/** How many removed groups are kept in the array at least, because removing each would move all others. */
const MAX_REMOVED = 1024;

/** The groups of the packets in a ring, in order. */
export class PacketGroups {
  readonly #maxBytes: number;
  readonly #groups: PacketGroup[] = [];
  /** The groups before this index have been removed. */
  #first = 0;
  #isNext = true;

  /** @param maxBytes No packet is added to a group that would become larger; a larger packet is a group of its own. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get oldest(): PacketGroup | undefined {
    return this.#groups[this.#first];
  }

  /** Makes the next packet the first of a group. */
  begin(): void {
    this.#isNext = true;
  }

  /** Adds an unmarked packet after all others, to the last group or to a new one. */
  add(begin: number, end: number, timeUs: number): void {
    const last = this.#groups.at(-1);
    const isNew =
      this.#isNext ||
      last === undefined ||
      this.#first === this.#groups.length ||
      last.end !== begin ||
      end - last.begin > this.#maxBytes;
    if (isNew) {
      this.#isNext = false;
      this.#groups.push({ begin, end, packets: 1, unmarked: 1, latestUs: timeUs });
      return;
    }
    last.end = end;
    last.packets++;
    last.unmarked++;
    if (timeUs > last.latestUs) last.latestUs = timeUs;
  }

  /** The group of the packet at `position`. */
  at(position: number): PacketGroup {
    let low = this.#first;
    let high = this.#groups.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#groups[middle]!.begin <= position) low = middle;
      else high = middle;
    }
    return this.#groups[low]!;
  }

  removeOldest(): void {
    this.#first++;
    if (this.#first > MAX_REMOVED && this.#first * 2 > this.#groups.length) {
      this.#groups.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

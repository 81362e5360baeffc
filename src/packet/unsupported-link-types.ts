import { isSupportedLinkType } from "./link-type.js";

/** Counts packets with unsupported link types, per link type: at most 65,536 entries. */
export class UnsupportedLinkTypes {
  readonly #counts = new Map<number, number>();
  /** The last supported link type: nearly always that of the next packet as well. */
  #supported: number | undefined;

  get counts(): ReadonlyMap<number, number> {
    return this.#counts;
  }

  add(linkType: number, packets: number): void {
    if (linkType === this.#supported) return;
    if (isSupportedLinkType(linkType)) this.#supported = linkType;
    else this.#counts.set(linkType, (this.#counts.get(linkType) ?? 0) + packets);
  }
}

import { isSupportedLinkType } from "./link-type.js";

/** Counts packets whose link type is not supported, by link type: at most 65,536 of them. */
export class UnsupportedLinkTypes {
  readonly #counts = new Map<number, number>();
  /** The last supported link type: nearly always that of the next packet, too. */
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

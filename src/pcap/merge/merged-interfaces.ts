import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import type { CaptureInterface, InterfaceCounts, PacketSource } from "../../packet/source.js";

/** The merged interfaces with one description; each source uses them in order, each once. */
interface SameDescription {
  readonly merged: PacketFormat[];
  /** Number of them that each source uses, by index of the source. */
  readonly used: number[];
}

/** One list of the interfaces of all sources, which grows as theirs do. */
export class MergedInterfaces {
  readonly list: CaptureInterface[] = [];
  readonly #sources: readonly PacketSource[];
  readonly #byDescription = new Map<string, SameDescription>();
  /** Result of the last lookup. */
  #last: { readonly own: CaptureInterface; readonly same: SameDescription } | undefined;
  /** Format of the merged packets, by source and interface; its `interfaceId` is an index into `list`. */
  readonly #formats: PacketFormat[][];

  constructor(sources: readonly PacketSource[]) {
    this.#sources = sources;
    this.#formats = sources.map(() => []);
    sources.forEach(({ interfaces }, order) => {
      interfaces.forEach((own, id) => {
        this.#add(order, id, own);
      });
    });
  }

  formatOf(order: number, { format }: PacketBatch): PacketFormat {
    const { interfaceId } = format;
    const known = this.#formats[order]?.[interfaceId];
    return known ?? this.#add(order, interfaceId, this.#sources[order]?.interfaces[interfaceId] ?? format);
  }

  /** Adds up the counts of the sources; called when the iteration ends, as captures have their counts at the end. */
  updateCounts(): void {
    const totals = new Map<number, InterfaceCounts>();
    this.#formats.forEach((formats, order) => {
      formats.forEach(({ interfaceId }, id) => {
        const counts = this.#sources[order]?.interfaces[id]?.counts;
        if (counts !== undefined) totals.set(interfaceId, sum(totals.get(interfaceId), counts));
      });
    });
    for (const [interfaceId, counts] of totals) {
      this.list[interfaceId] = { ...this.list[interfaceId]!, counts };
    }
  }

  #add(order: number, id: number, own: CaptureInterface): PacketFormat {
    const same = this.#sameAs(own);
    const used = same.used[order] ?? 0;
    same.used[order] = used + 1;
    const format = same.merged[used] ?? this.#create(own, same);
    this.#formats[order]![id] = format;
    return format;
  }

  #sameAs(own: CaptureInterface): SameDescription {
    // Captures with very many interfaces are usually concatenated short captures of the same interface.
    if (this.#last !== undefined && isPlainAlike(own, this.#last.own)) return this.#last.same;
    const description = descriptionOf(own);
    let same = this.#byDescription.get(description);
    if (same === undefined) {
      same = { merged: [], used: [] };
      this.#byDescription.set(description, same);
    }
    this.#last = { own, same };
    return same;
  }

  #create(own: CaptureInterface, same: SameDescription): PacketFormat {
    const { linkType, resolution, snapLength } = own;
    const format = { linkType, resolution, snapLength, interfaceId: this.list.length };
    this.list.push(own);
    same.merged.push(format);
    return format;
  }
}

/** Whether two interfaces have the same format and no further description. */
function isPlainAlike(one: CaptureInterface, other: CaptureInterface): boolean {
  return (
    isPlain(one) &&
    isPlain(other) &&
    one.linkType === other.linkType &&
    one.resolution === other.resolution &&
    one.snapLength === other.snapLength
  );
}

function isPlain(own: CaptureInterface): boolean {
  const { name, description, filter, hardware, operatingSystem, comments, timeOffsetSeconds, pcapHeader } =
    own;
  const { pcapngOptions } = own;
  return (
    name === undefined &&
    description === undefined &&
    filter === undefined &&
    hardware === undefined &&
    operatingSystem === undefined &&
    comments === undefined &&
    timeOffsetSeconds === undefined &&
    pcapngOptions === undefined &&
    pcapHeader === undefined
  );
}

/** A key that is equal for interfaces with equal descriptions. */
function descriptionOf(own: CaptureInterface): string {
  const { linkType, resolution, snapLength, name, description, filter, hardware, operatingSystem } = own;
  const { timeOffsetSeconds = 0 } = own;
  const options = own.pcapngOptions?.join();
  const strings = [name, description, filter, hardware, operatingSystem, options, ...(own.comments ?? [])];
  const format = `${linkType} ${resolution} ${snapLength} ${timeOffsetSeconds} ${own.pcapHeader?.linkTypeWord}`;
  if (strings.every((value) => value === undefined)) return format;
  return format + JSON.stringify(strings.map((value) => value ?? null));
}

function sum(total: InterfaceCounts | undefined, { received, dropped }: InterfaceCounts): InterfaceCounts {
  return {
    ...total,
    ...(received !== undefined && { received: (total?.received ?? 0) + received }),
    ...(dropped !== undefined && { dropped: (total?.dropped ?? 0) + dropped }),
  };
}

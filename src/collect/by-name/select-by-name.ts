import { aClock, type Clock, systemClock } from "../../async/clock.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { OptionsError } from "../../errors/errors.js";
import { issueOf } from "../../errors/issue.js";
import {
  aFunction,
  aListOf,
  aNumberFrom,
  anInteger,
  anObject,
  either,
  required,
  withMethods,
} from "../../errors/value-checks.js";
import { copyBatch, type PacketBatch, RECORD_HEADER_LENGTH } from "../../packet/batch.js";
import type { AddressSet } from "../../packet/filter/address-set.js";
import { selectRecords } from "../../packet/filter/select.js";
import { FLOW_OPTIONS, type FlowOptions } from "../../packet/flow/flow-options.js";
import { isEmptyBatch } from "../../packet/side-blocks.js";
import { type BatchReader, type Pull, readBatches } from "../../packet/source/batch-reader.js";
import { createSource } from "../../packet/source/create-source.js";
import { aSource, type PacketSource } from "../../packet/source.js";
import { DEFAULT_RING_BYTES, MAX_RING_BYTES, MIN_RING_BYTES } from "../../recorder/flight/option-values.js";
import { InterruptibleWait, LEFT } from "../../recorder/interruptible-wait.js";
import { PacketRing } from "../../recorder/ring/packet-ring.js";
import { SliceReader } from "../../recorder/ring/slice-reader.js";
import type { AddressBook } from "../address-book/address-book.js";
import type { AddressSelection } from "../address-book/selection.js";
import type { AddressChange, AddressWatch } from "../address-book/watch.js";
import { SelectedAddresses } from "./selected-addresses.js";

/** Whose packets are selected, and how their addresses become known. */
export interface SelectByNameOptions {
  /** Knows the addresses; the program lets it learn from Hubble's flows. */
  readonly book: AddressBook;
  /** The pods, labels, identities, workloads, services or names whose packets are selected; of several, any. */
  readonly selection: AddressSelection | readonly AddressSelection[];
  /**
   * The set with which an eBPF source was opened: it then contains the addresses of the selection, so that the kernel
   * passes no other packets. Not together with `beforeMs`.
   */
  readonly addresses?: AddressSet;
  /**
   * Also selects the packets of an address from this time before it became known, as far as a ring in memory holds them.
   * Every packet goes through this ring. Default 0: no ring.
   */
  readonly beforeMs?: number;
  /** The size of the ring in bytes, as for a flight recorder. */
  readonly ringBytes?: number;
  /**
   * How far Hubble's clock may be behind that of the packets: for as long, packets of an address are still selected after
   * Hubble has seen it with another endpoint. Default 0.
   */
  readonly skewMs?: number;
  /** Tests the addresses inside of tunnels, as for flows. Not together with `addresses`. Default false. */
  readonly tunnels?: FlowOptions["tunnels"];
  /** Called when packets of an address begin or cease to be selected. */
  readonly onChange?: (change: AddressChange) => void;
  readonly clock?: Clock;
}

const OPTIONS: OptionTable<SelectByNameOptions> = {
  book: required(withMethods<AddressBook>("an address book", "watch")),
  // The book checks them.
  selection: required(either(Array.isArray, aListOf(anObject), anObject)),
  addresses: withMethods<AddressSet>("a set of addresses from createAddressSet", "add", "delete"),
  beforeMs: aNumberFrom(0),
  ringBytes: anInteger(MIN_RING_BYTES, MAX_RING_BYTES),
  skewMs: aNumberFrom(0),
  tunnels: FLOW_OPTIONS.tunnels,
  onChange: aFunction,
  clock: aClock,
};

/**
 * Selects the packets from and to pods, services or names while their addresses come and go. A packet is selected if one of
 * its addresses belonged to the selection at the packet's time: from the moment on at which the book knows the address, until
 * Hubble has seen it with another endpoint. Disposing of the source disposes of the other source as well.
 *
 * @example
 * ```ts
 * const book = createAddressBook();
 * const addresses = createAddressSet();
 * await using packets = selectByName(await openEbpf("eth0", { addresses }), {
 *   book,
 *   addresses,
 *   selection: { pod: ["shop/cart"] },
 * });
 * const all = ["0.0.0.0/0", "::/0"].map((any) => ({ sourceCidr: any, destinationCidr: any }));
 * const recording = record(packets, { include: all }, { sink: fileSink("/var/captures") });
 * for await (const event of observe(transport, { follow: true })) book.learn(event);
 * ```
 *
 * @throws OptionsError; FilterError with every fault of the selection; TypeError if `source` is not a packet source.
 */
export function selectByName(source: PacketSource, options: SelectByNameOptions): PacketSource {
  checkArgument("selectByName", "source", source, aSource);
  checkOptions("selectByName", options, OPTIONS);
  const { addresses, beforeMs = 0, tunnels = false } = options;
  if (addresses !== undefined && beforeMs > 0) {
    throw new OptionsError([
      issueOf(
        "beforeMs",
        "requires all packets; open the source without a set of addresses and omit `addresses`",
      ),
    ]);
  }
  if (addresses !== undefined && tunnels !== false) {
    throw new OptionsError([
      issueOf("tunnels", "cannot be set with `addresses`: the kernel tests the outer addresses"),
    ]);
  }
  const { stop } = source;
  const selected = new SelectedBatches(source, options);
  return createSource({
    interfaces: source.interfaces,
    filtered: source.filtered,
    pull: () => selected.pull(),
    copy: copyBatch,
    dropped: () => source.stats().dropped,
    ...(stop !== undefined && { stop: () => stop.call(source) }),
    leave: () => selected.leave(),
    triggered: source.triggered,
    close: async () => {
      selected.end();
      await source[Symbol.asyncDispose]();
    },
  });
}

/** How many slices of the ring, of a megabyte each, are searched before other code may run. */
const SLICES_PER_TURN = 16;
/** What marks the packets of the ring that have been yielded. */
const YIELDED = 1;

class SelectedBatches {
  readonly #source: PacketSource;
  readonly #clock: Clock;
  readonly #beforeMs: number;
  readonly #set: AddressSet | undefined;
  readonly #selected: SelectedAddresses;
  readonly #waits = new InterruptibleWait();
  readonly #onChange: SelectByNameOptions["onChange"];
  readonly #endWatch: () => void;
  readonly #counts = new Map<string, number>();
  readonly #ring: PacketRing | undefined;
  readonly #slices: SliceReader | undefined;
  #reader: BatchReader | undefined;
  #pending: Promise<PacketBatch | undefined> | undefined;
  /** Where the ring is searched for packets of addresses that have become known; undefined if it need not be. */
  #position: number | undefined;

  constructor(source: PacketSource, options: SelectByNameOptions) {
    const { book, selection, addresses, beforeMs = 0, ringBytes = DEFAULT_RING_BYTES } = options;
    const { skewMs = 0, tunnels = false, clock = systemClock } = options;
    this.#source = source;
    this.#clock = clock;
    this.#beforeMs = beforeMs;
    this.#set = addresses;
    this.#selected = new SelectedAddresses(skewMs, tunnels, clock);
    this.#ring = beforeMs > 0 ? new PacketRing(ringBytes, () => {}) : undefined;
    this.#slices = this.#ring && new SliceReader(this.#ring);
    this.#onChange = options.onChange;
    const selections = Array.isArray(selection) ? selection : [selection];
    const watches: AddressWatch[] = [];
    this.#endWatch = () => {
      for (const watch of watches.splice(0)) watch.stop();
    };
    try {
      for (const one of selections) watches.push(book.watch(one, (change) => this.#count(change)));
    } catch (error) {
      this.#endWatch();
      throw error;
    }
  }

  /** Notes in how many selections an address is. */
  #count(change: AddressChange): void {
    const { address, type } = change;
    const before = this.#counts.get(address) ?? 0;
    const now = before + (type === "added" ? 1 : -1);
    if (now === 0) this.#counts.delete(address);
    else this.#counts.set(address, now);
    if (before !== 0 && now !== 0) return;
    this.#apply(change);
    this.#onChange?.(change);
  }

  #apply({ address, type, atMs }: AddressChange): void {
    if (type === "removed") {
      this.#set?.delete(address);
      this.#selected.end(address, atMs);
      return;
    }
    this.#selected.begin(address, this.#clock.now() - this.#beforeMs);
    try {
      this.#set?.add(address);
    } catch (error) {
      // The source fails, not the program that lets the book learn.
      this.#waits.fail(error);
    }
    if (this.#ring === undefined) return;
    this.#position = this.#ring.begin;
    this.#waits.leave();
  }

  pull(): ReturnType<Pull> {
    this.#reader ??= readBatches(this.#source);
    if (this.#position === undefined && this.#pending === undefined && !this.#waits.hasFailed) {
      const batch = this.#reader.next();
      if (batch instanceof Promise) this.#pending = batch;
      else {
        if (batch === undefined) return this.end();
        const selected = this.#select(batch);
        if (!isEmptyBatch(selected)) return selected;
      }
    }
    return this.#pullOn(this.#reader).catch((error) => {
      this.end();
      throw error;
    });
  }

  async #pullOn(reader: BatchReader): Promise<PacketBatch | undefined> {
    for (;;) {
      // Throws the failure.
      if (this.#waits.hasFailed) await this.#waits.for(Promise.resolve());
      const earlier = this.#fromRing();
      if (earlier !== undefined) return earlier;
      if (this.#position !== undefined) {
        await this.#clock.turn?.();
        continue;
      }
      const next = this.#pending ?? reader.next();
      let batch: PacketBatch | undefined;
      if (next instanceof Promise) {
        this.#pending = next;
        const waited = await this.#waits.orLeave(next);
        if (waited === LEFT) continue;
        this.#pending = undefined;
        batch = waited;
      } else {
        batch = next;
      }
      if (batch === undefined) return this.end();
      const selected = this.#select(batch);
      if (!isEmptyBatch(selected)) return selected;
    }
  }

  #select(batch: PacketBatch): PacketBatch {
    const { format, eraSeconds = 0, untimed = false } = batch;
    const nowMs = this.#clock.now();
    const test = this.#selected.testOf(format, eraSeconds, untimed ? nowMs : undefined);
    const ring = this.#ring;
    if (ring === undefined) return selectRecords(batch, test, this.#reader?.writable === true);
    ring.appendAll(batch, nowMs * 1000, (index, count, at) => this.#mark(batch, index, count, at, test));
    return selectRecords(batch, test, this.#reader?.writable === true);
  }

  /** Marks the packets in the ring that are yielded now. */
  #mark(
    { records, offsets, format }: PacketBatch,
    index: number,
    count: number,
    at: number,
    test: ReturnType<SelectedAddresses["testOf"]>,
  ): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    let position = at;
    for (let packet = index; packet < index + count; packet++) {
      const length = ring.lengthAt(position);
      const start = offsets[packet]! + RECORD_HEADER_LENGTH;
      if (test(records, start, start + length - RECORD_HEADER_LENGTH, format.linkType))
        ring.setMark(position, YIELDED);
      position += length;
    }
  }

  /**
   * The next packets of the ring that are selected now and were not before. Undefined if there are no more, or for the
   * moment: then a position remains.
   */
  #fromRing(): PacketBatch | undefined {
    const ring = this.#ring;
    let slices = 0;
    while (ring !== undefined && this.#slices !== undefined && this.#position !== undefined) {
      const from = ring.firstFrom(this.#position);
      if (from >= ring.end) break;
      if (++slices > SLICES_PER_TURN) return undefined;
      const { batch, end } = this.#slices.read(from, ring.end, (at, { format, eraSeconds, arrivalUs }) => {
        if (ring.markAt(at) === YIELDED) return false;
        const start = (at % ring.capacity) + RECORD_HEADER_LENGTH;
        const test = this.#selected.testOf(
          format,
          eraSeconds,
          arrivalUs === undefined ? undefined : arrivalUs / 1000,
        );
        if (!test(ring.bytes, start, start + ring.lengthAt(at) - RECORD_HEADER_LENGTH, format.linkType))
          return false;
        ring.setMark(at, YIELDED);
        return true;
      });
      this.#position = end;
      if (batch !== undefined) return copyBatch(batch);
    }
    this.#position = undefined;
    return undefined;
  }

  /** Ends the watch. */
  end(): undefined {
    this.#endWatch();
  }

  async leave(): Promise<void> {
    this.end();
    const leaving = this.#reader?.leave();
    // A source with a pending read may never settle this.
    if (this.#pending !== undefined) leaving?.catch(() => {});
    else await leaving;
  }
}

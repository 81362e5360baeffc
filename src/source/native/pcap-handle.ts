import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Libpcap, Pointer } from "./libpcap.js";
import { bindCopyFrom, type CopyFrom, type PacketHeaderLayout, packetHeaderLayout } from "./packet-copy.js";
import { type BoundedText, compileText, setProgram } from "./pcap-program.js";
import { RecordStream } from "./record-stream.js";

/** `PCAP_ERRBUF_SIZE` */
const ERROR_LENGTH = 256;
/** Size of `struct pcap_stat` including the members that only Windows has. */
const STATS_LENGTH = 32;
const STATS_DROPPED = 4;
const NANOSECONDS = 1;

/** Settings applied before a handle is activated. */
export interface PcapSettings {
  readonly snapLength: number;
  readonly promiscuous: boolean;
  /** How long the kernel may buffer packets to deliver them together. */
  readonly timeoutMs: number;
  readonly bufferBytes: number;
  readonly nanoseconds: boolean;
}

/** Header of one packet from libpcap. */
export interface NextPacket {
  seconds: number;
  fraction: number;
  capturedLength: number;
  originalLength: number;
}

/** The state of a `pcap_t`, with the pointer while C may be called. */
type HandleState =
  | { readonly name: "usable"; readonly pointer: Pointer }
  /** A thread activates it. */
  | { readonly name: "activating" }
  | { readonly name: "closed"; readonly closing: Promise<void> };

/**
 * A `pcap_t` with protection against invalid use: no method reaches C after {@link close} or while a thread uses the
 * handle, and closing twice is harmless. Results are returned as C returns them.
 */
export class PcapHandle {
  readonly #koffi: Koffi;
  readonly #libpcap: Libpcap;
  #state: HandleState;
  readonly #stats = new Uint8Array(STATS_LENGTH);
  readonly #statsView = new DataView(this.#stats.buffer);
  /** State of {@link next}, created at its first call. */
  #next: NextReader | undefined;

  /** @throws Error with libpcap's message, for example if memory is exhausted. */
  static create(koffi: Koffi, libpcap: Libpcap, device: string): PcapHandle {
    const error = new Uint8Array(ERROR_LENGTH);
    const pointer = libpcap.create(device, error);
    if (pointer === null) throw new Error(readText(error));
    return new PcapHandle(koffi, libpcap, pointer);
  }

  private constructor(koffi: Koffi, libpcap: Libpcap, pointer: Pointer) {
    this.#koffi = koffi;
    this.#libpcap = libpcap;
    this.#state = { name: "usable", pointer };
  }

  /** The pointer, for a synchronous call. */
  get #pointer(): Pointer {
    if (this.#state.name !== "usable") throw new TypeError("the capture is closed");
    return this.#state.pointer;
  }

  configure({ snapLength, promiscuous, timeoutMs, bufferBytes, nanoseconds }: PcapSettings): void {
    const pcap = this.#pointer;
    this.#libpcap.set_snaplen(pcap, snapLength);
    this.#libpcap.set_promisc(pcap, promiscuous ? 1 : 0);
    this.#libpcap.set_timeout(pcap, timeoutMs);
    this.#libpcap.set_buffer_size(pcap, bufferBytes);
    // Ignore the result: `nanoseconds` reports the actual precision.
    if (nanoseconds) this.#libpcap.set_tstamp_precision?.(pcap, NANOSECONDS);
  }

  /**
   * Activates the handle. Takes 10 ms or more, as the kernel synchronizes its processors, so it runs on a pool thread.
   *
   * @param onThisThread Run on this thread instead, whose network namespace may differ from that of the process.
   */
  async activate(onThisThread: boolean): Promise<number> {
    const pcap = this.#pointer;
    if (onThisThread) return this.#libpcap.activate(pcap);
    this.#state = { name: "activating" };
    try {
      return await new Promise((resolve, reject) => {
        this.#libpcap.activate.async(pcap, (error, result) => {
          if (error === null || error === undefined) resolve(result);
          else reject(error);
        });
      });
    } finally {
      this.#state = { name: "usable", pointer: pcap };
    }
  }

  /** libpcap's message for the last error. */
  errorText(): string {
    return this.#libpcap.geterr(this.#pointer);
  }

  setNonBlocking(): number {
    return this.#libpcap.setnonblock(this.#pointer, 1, new Uint8Array(ERROR_LENGTH));
  }

  setDirection(direction: number): number {
    return this.#libpcap.setdirection(this.#pointer, direction);
  }

  /** Memory link type; a few link types have other numbers in files. */
  get linkType(): number {
    return this.#libpcap.datalink(this.#pointer);
  }

  setLinkType(linkType: number): number {
    return this.#libpcap.set_datalink(this.#pointer, linkType);
  }

  get nanoseconds(): boolean {
    return this.#libpcap.get_tstamp_precision?.(this.#pointer) === NANOSECONDS;
  }

  /** Descriptor to wait on; undefined if the system does not support it. */
  get descriptor(): number | undefined {
    const descriptor = this.#libpcap.get_selectable_fd?.(this.#pointer) ?? -1;
    return descriptor < 0 ? undefined : descriptor;
  }

  /**
   * Compiles pcap-filter text to classic BPF instructions, 8 bytes each.
   *
   * @throws Error with libpcap's message.
   */
  compile(text: BoundedText): Uint8Array {
    return compileText(this.#koffi, this.#libpcap, this.#pointer, text);
  }

  /** Sets a filter in the kernel, or in libpcap if the kernel rejects it. The instructions are copied. */
  setFilter(instructions: Uint8Array): number {
    return setProgram(this.#koffi, this.#libpcap, this.#pointer, instructions);
  }

  openStream(bytes: number): RecordStream | undefined {
    return RecordStream.open(this.#koffi, this.#libpcap, this.#pointer, bytes);
  }

  /**
   * Makes libpcap append up to `count` packets to the stream in one call.
   *
   * @returns Number of packets; negative for an error. The stream knows how many bytes were written.
   */
  dispatch(stream: RecordStream, count: number): number {
    return this.#libpcap.dispatch(this.#pointer, count, this.#libpcap.dump, stream.target());
  }

  /**
   * Reads one packet. Fetch its bytes with {@link copyPacket} before any other call.
   *
   * @returns 1 for a packet, 0 if no packet is available, negative for an error.
   */
  next(packet: NextPacket): number {
    this.#next ??= new NextReader(this.#koffi);
    return this.#next.next(this.#libpcap, this.#pointer, packet);
  }

  /**
   * Copies the first bytes of the current packet.
   *
   * @throws RangeError if the packet is shorter.
   */
  copyPacket(target: Uint8Array, bytes: number): void {
    if (this.#state.name === "closed" || this.#next === undefined) throw new TypeError("there is no packet");
    this.#next.copy(target, bytes);
  }

  /** Packets dropped by the kernel, modulo 2³²; undefined if unavailable. */
  dropped(): number | undefined {
    if (this.#state.name !== "usable") return undefined;
    if (this.#libpcap.stats(this.#state.pointer, this.#stats) !== 0) return undefined;
    return this.#statsView.getUint32(STATS_DROPPED, LITTLE_ENDIAN);
  }

  /** Closes the handle on a pool thread, as the kernel takes about 30 ms. */
  async close(): Promise<void> {
    if (this.#state.name === "closed") return this.#state.closing;
    const closing = this.#closePointer(this.#pointer);
    this.#state = { name: "closed", closing };
    return closing;
  }

  #closePointer(pcap: Pointer): Promise<void> {
    return new Promise((resolve) => {
      try {
        this.#libpcap.close.async(pcap, () => resolve());
      } catch {
        // koffi has too many pending asynchronous calls: close on this thread instead.
        this.#libpcap.close(pcap);
        resolve();
      }
    });
  }
}

/** Reads the packet that `pcap_next_ex` returns. */
class NextReader {
  readonly #copyFrom: CopyFrom;
  readonly #layout: PacketHeaderLayout;
  readonly #headerPointer = new BigUint64Array(1);
  readonly #dataPointer = new BigUint64Array(1);
  readonly #header: Uint8Array;
  readonly #view: DataView;
  #available = 0;

  constructor(koffi: Koffi) {
    this.#copyFrom = bindCopyFrom(koffi);
    this.#layout = packetHeaderLayout(koffi);
    this.#header = new Uint8Array(this.#layout.size);
    this.#view = new DataView(this.#header.buffer);
  }

  next(libpcap: Libpcap, pcap: Pointer, packet: NextPacket): number {
    this.#available = 0;
    const result = libpcap.next_ex(pcap, this.#headerPointer, this.#dataPointer);
    if (result !== 1) return result;
    const { seconds, fraction, capturedLength, originalLength, size } = this.#layout;
    this.#copyFrom(this.#header, this.#headerPointer[0]!, size);
    packet.seconds = this.#view.getUint32(seconds, LITTLE_ENDIAN);
    packet.fraction = this.#view.getUint32(fraction, LITTLE_ENDIAN);
    packet.capturedLength = this.#view.getUint32(capturedLength, LITTLE_ENDIAN);
    packet.originalLength = this.#view.getUint32(originalLength, LITTLE_ENDIAN);
    this.#available = packet.capturedLength;
    return result;
  }

  copy(target: Uint8Array, bytes: number): void {
    if (bytes > this.#available) throw new RangeError(`the packet has only ${this.#available} bytes`);
    this.#copyFrom(target, this.#dataPointer[0]!, bytes);
  }
}

function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

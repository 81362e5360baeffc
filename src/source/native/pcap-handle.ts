import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Libpcap, Pointer } from "./libpcap.js";
import { bindCopyFrom, type CopyFrom, type PacketHeaderLayout, packetHeaderLayout } from "./packet-copy.js";
import { type BoundedText, compileText, setProgram } from "./pcap-program.js";
import { RecordStream } from "./record-stream.js";

/** `PCAP_ERRBUF_SIZE` */
const ERROR_LENGTH = 256;
/** `struct pcap_stat` up to the members that only Windows has, and room for those. */
const STATS_LENGTH = 32;
const STATS_DROPPED = 4;
const NANOSECONDS = 1;

/** What is set before a handle is activated. */
export interface PcapSettings {
  readonly snapLength: number;
  readonly promiscuous: boolean;
  /** How long the kernel may keep packets back to hand them over together. */
  readonly timeoutMs: number;
  readonly bufferBytes: number;
  readonly nanoseconds: boolean;
}

/** One packet as libpcap hands it out, good until the next call. */
export interface NextPacket {
  seconds: number;
  fraction: number;
  capturedLength: number;
  originalLength: number;
}

/**
 * A `pcap_t`, as safe as it can be made: no method reaches C after {@link close}, or while a thread works on it, and
 * closing twice is harmless. Numbers come back as C returns them.
 */
export class PcapHandle {
  readonly #koffi: Koffi;
  readonly #libpcap: Libpcap;
  #pointer: Pointer | undefined;
  #busy = false;
  #closing: Promise<void> | undefined;
  readonly #stats = new Uint8Array(STATS_LENGTH);
  readonly #statsView = new DataView(this.#stats.buffer);
  /** What {@link next} needs, made when it is first called. */
  #next: NextReader | undefined;

  /** @throws Error with libpcap's text, as for want of memory. */
  static create(koffi: Koffi, libpcap: Libpcap, device: string): PcapHandle {
    const error = new Uint8Array(ERROR_LENGTH);
    const pointer = libpcap.create(device, error);
    if (pointer === null) throw new Error(readText(error));
    return new PcapHandle(koffi, libpcap, pointer);
  }

  private constructor(koffi: Koffi, libpcap: Libpcap, pointer: Pointer) {
    this.#koffi = koffi;
    this.#libpcap = libpcap;
    this.#pointer = pointer;
  }

  /** The pointer, for a call that returns before anything else can happen. */
  get #alive(): Pointer {
    if (this.#pointer === undefined || this.#busy) throw new TypeError("the capture is closed");
    return this.#pointer;
  }

  configure({ snapLength, promiscuous, timeoutMs, bufferBytes, nanoseconds }: PcapSettings): void {
    const pcap = this.#alive;
    this.#libpcap.set_snaplen(pcap, snapLength);
    this.#libpcap.set_promisc(pcap, promiscuous ? 1 : 0);
    this.#libpcap.set_timeout(pcap, timeoutMs);
    this.#libpcap.set_buffer_size(pcap, bufferBytes);
    // Where it fails there are only microseconds: what the handle says afterwards is what counts.
    if (nanoseconds) this.#libpcap.set_tstamp_precision?.(pcap, NANOSECONDS);
  }

  /**
   * Takes some 10 ms and more, as the kernel waits for its other processors: on a thread, unless told otherwise.
   *
   * @param here On this thread; its network namespace may differ from that of the process.
   */
  async activate(here: boolean): Promise<number> {
    const pcap = this.#alive;
    if (here) return this.#libpcap.activate(pcap);
    this.#busy = true;
    try {
      return await new Promise((resolve, reject) => {
        this.#libpcap.activate.async(pcap, (error, result) => {
          if (error === null || error === undefined) resolve(result);
          else reject(error);
        });
      });
    } finally {
      this.#busy = false;
    }
  }

  /** libpcap's text on what has just gone wrong. */
  errorText(): string {
    return this.#libpcap.geterr(this.#alive);
  }

  setNonBlocking(): number {
    return this.#libpcap.setnonblock(this.#alive, 1, new Uint8Array(ERROR_LENGTH));
  }

  setDirection(direction: number): number {
    return this.#libpcap.setdirection(this.#alive, direction);
  }

  /** As in memory, where a few link types have other numbers than in files. */
  get linkType(): number {
    return this.#libpcap.datalink(this.#alive);
  }

  setLinkType(linkType: number): number {
    return this.#libpcap.set_datalink(this.#alive, linkType);
  }

  get nanoseconds(): boolean {
    return this.#libpcap.get_tstamp_precision?.(this.#alive) === NANOSECONDS;
  }

  /** What can be waited on; undefined where the system has no such thing. */
  get descriptor(): number | undefined {
    const descriptor = this.#libpcap.get_selectable_fd?.(this.#alive) ?? -1;
    return descriptor < 0 ? undefined : descriptor;
  }

  /**
   * Compiles pcap-filter text to the instructions of classic BPF, 8 bytes each.
   *
   * @throws Error with libpcap's text.
   */
  compile(text: BoundedText): Uint8Array {
    return compileText(this.#koffi, this.#libpcap, this.#alive, text);
  }

  /** Hands instructions to the kernel, or to libpcap where the kernel refuses them; they are copied. */
  setFilter(instructions: Uint8Array): number {
    return setProgram(this.#koffi, this.#libpcap, this.#alive, instructions);
  }

  openStream(bytes: number): RecordStream | undefined {
    return RecordStream.open(this.#koffi, this.#libpcap, this.#alive, bytes);
  }

  /**
   * Has libpcap append up to `count` packets to the stream, in this one call.
   *
   * @returns How many; negative for an error. The stream knows better what it got.
   */
  dispatch(stream: RecordStream, count: number): number {
    return this.#libpcap.dispatch(this.#alive, count, this.#libpcap.dump, stream.target());
  }

  /**
   * Asks for one packet; its bytes are to be fetched by {@link copyPacket} before anything else is called.
   *
   * @returns 1 for a packet, 0 for none, negative for an error.
   */
  next(packet: NextPacket): number {
    this.#next ??= new NextReader(this.#koffi);
    return this.#next.next(this.#libpcap, this.#alive, packet);
  }

  /** Copies the first bytes of the packet at hand. */
  copyPacket(target: Uint8Array, bytes: number): void {
    if (this.#pointer === undefined || this.#next === undefined) throw new TypeError("there is no packet");
    this.#next.copy(target, bytes);
  }

  /** Packets dropped by the kernel, modulo 2³²; undefined when it does not say. */
  dropped(): number | undefined {
    if (this.#pointer === undefined || this.#busy) return undefined;
    if (this.#libpcap.stats(this.#pointer, this.#stats) !== 0) return undefined;
    return this.#statsView.getUint32(STATS_DROPPED, LITTLE_ENDIAN);
  }

  /** On a thread, as the kernel takes some 30 ms for it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const pcap = this.#alive;
    this.#pointer = undefined;
    await new Promise<void>((resolve) => {
      try {
        this.#libpcap.close.async(pcap, () => resolve());
      } catch {
        // Too many calls at once for koffi: then here, for once.
        this.#libpcap.close(pcap);
        resolve();
      }
    });
  }
}

/** Reads what `pcap_next_ex` points to. */
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

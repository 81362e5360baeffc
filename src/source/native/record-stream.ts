import { closeSync, ftruncateSync, readSync } from "node:fs";
import { FlowscribeError } from "../../errors/errors.js";
import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Libpcap, Pointer } from "./libpcap.js";
import { checkAttached, markReused } from "./reused-memory.js";

/** The C functions for a `FILE`, by their C names. */
interface Stdio {
  /** Opens an unnamed file in memory, or else in the temporary folder. */
  open(): Pointer | null;
  fileno(file: Pointer): number;
  setvbuf(file: Pointer, buffer: Uint8Array, mode: number, bytes: number): number;
  ftell(file: Pointer): number | bigint;
  rewind(file: Pointer): void;
  fflush(file: Pointer): number;
  fpurge(file: Pointer): void;
  fclose(file: Pointer): number;
  /** Undefined if the C library does not have it. */
  fsetlocking: ((file: Pointer, kind: number) => number) | undefined;
}

/** `FSETLOCKING_BYCALLER`: avoid a lock per record. Only one thread uses the file at a time. */
const LOCKING_BY_CALLER = 2;

/** `_IOFBF`: write when the buffer is full; 0 on every system with a usable `pcap_dump`. */
const FULLY_BUFFERED = 0;
const MFD_CLOEXEC = 1;

/** pcap file header: 4-byte magic number at 0, 4-byte link type at 20. */
const FILE_HEADER_LENGTH = 24;
const LINK_TYPE = 20;
const MAGIC_US = 0xa1b2c3d4;
const MAGIC_NS = 0xa1b23c4d;
/** Maximum offset at which a C library starts to use a given buffer: musl reserves 8 bytes for `ungetc`. */
const MAX_UNUSED = 16;

/**
 * Target for libpcap's own `pcap_dump`, so that it frames packets in JavaScript memory: a C `FILE` whose buffer is a
 * JavaScript buffer that is emptied before it is ever written out. If the buffer overflows, C writes to the unnamed
 * file behind it, and {@link overflow} reads that file: slower, but nothing is lost.
 *
 * C keeps the buffer's address while the file is open, so this object holds the buffer and checks it before every
 * write.
 */
export class RecordStream {
  readonly #stdio: Stdio;
  readonly #buffer: Uint8Array;
  #file: Pointer | undefined;
  /** The first argument of `pcap_dump`. */
  #dumper: Pointer | undefined;
  /** File link type; libpcap converts it from its memory link type. */
  readonly linkType: number;
  /** The memory for records. */
  readonly records: Uint8Array;

  /**
   * @returns Undefined if unsupported: `pcap_dump` is unavailable, or the C library uses buffers in another way. This
   *   is tested: the file's header must appear in the buffer.
   */
  static open(koffi: Koffi, libpcap: Libpcap, handle: Pointer, bytes: number): RecordStream | undefined {
    // Records are little endian, but pcap_dump writes in the byte order of the machine.
    if (!LITTLE_ENDIAN || process.platform === "win32") return undefined;
    let stdio: Stdio;
    try {
      stdio = bindStdio(koffi);
    } catch {
      return undefined;
    }
    const file = stdio.open();
    if (file === null) return undefined;
    const buffer = markReused(new Uint8Array(bytes + MAX_UNUSED));
    stdio.fsetlocking?.(file, LOCKING_BY_CALLER);
    if (stdio.setvbuf(file, buffer, FULLY_BUFFERED, buffer.length) === 0) {
      const dumper = libpcap.dump_fopen(handle, file);
      const start = dumper === null ? -1 : findHeader(buffer);
      if (dumper !== null && start >= 0 && Number(stdio.ftell(file)) === FILE_HEADER_LENGTH) {
        return new RecordStream(stdio, buffer, start, file, dumper);
      }
    }
    // The file is still open: libpcap closes it only if writing the header fails, which cannot happen in a buffer.
    stdio.fpurge(file);
    stdio.fclose(file);
    return undefined;
  }

  private constructor(stdio: Stdio, buffer: Uint8Array, start: number, file: Pointer, dumper: Pointer) {
    this.#stdio = stdio;
    this.#buffer = buffer;
    this.#file = file;
    this.#dumper = dumper;
    this.records = buffer.subarray(start);
    const header = new DataView(buffer.buffer, start, FILE_HEADER_LENGTH);
    // The upper bits describe frame check sequences.
    this.linkType = header.getUint32(LINK_TYPE, true) & 0xffff;
    this.clear();
  }

  /** Size of {@link records} in bytes. */
  get capacity(): number {
    return this.records.length;
  }

  /** @throws TypeError if the memory of {@link records} has been transferred: C would write into it. */
  check(): void {
    checkAttached(this.#buffer);
  }

  /**
   * The argument for `pcap_dump`.
   *
   * @throws TypeError as {@link check}, and after {@link close}.
   */
  target(): Pointer {
    if (this.#dumper === undefined) throw new TypeError("the capture is closed");
    this.check();
    return this.#dumper;
  }

  /**
   * Discards the written records; the bytes stay until the next record overwrites them. Call it as soon as the records
   * are counted: C writes out a non-empty buffer when the process ends.
   */
  clear(): void {
    const file = this.#opened();
    this.#stdio.fpurge(file);
    this.#stdio.rewind(file);
  }

  /** Bytes written since the last {@link clear}. If they exceed {@link capacity}, use {@link overflow}. */
  position(): number {
    return Number(this.#stdio.ftell(this.#opened()));
  }

  /**
   * Returns everything written, if that exceeds {@link capacity}; call {@link clear} afterwards.
   *
   * @throws FlowscribeError `capture_failed` if the memory for files is full.
   */
  overflow(): Uint8Array {
    const file = this.#opened();
    this.check();
    const bytes = new Uint8Array(this.position());
    this.#stdio.fflush(file);
    const descriptor = this.#stdio.fileno(file);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, filled);
      if (count === 0) {
        throw new FlowscribeError(
          "capture_failed",
          "packets were lost: the system's memory for files is full",
        );
      }
      filled += count;
    }
    ftruncateSync(descriptor, 0);
    return bytes;
  }

  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#dumper = undefined;
    // Purge, so that closing does not write the buffer.
    this.#stdio.fpurge(file);
    this.#stdio.fclose(file);
  }

  #opened(): Pointer {
    if (this.#file === undefined) throw new TypeError("the capture is closed");
    return this.#file;
  }
}

function findHeader(buffer: Uint8Array): number {
  const view = new DataView(buffer.buffer);
  for (let start = 0; start <= MAX_UNUSED; start++) {
    const magic = view.getUint32(start, true);
    if (magic === MAGIC_US || magic === MAGIC_NS) return start;
  }
  return -1;
}

const bound = new WeakMap<Koffi, Stdio>();

/** @throws Error if the C library lacks a function. */
function bindStdio(koffi: Koffi): Stdio {
  const known = bound.get(koffi);
  if (known !== undefined) return known;
  const c = koffi.load(null);
  // The cast is true if the prototype is, which the type checker cannot verify.
  const func = <F>(prototype: string) => c.func(prototype) as F;
  const stdio: Stdio = {
    open: bindOpen(koffi),
    fileno: func("int fileno(void*)"),
    setvbuf: func("int setvbuf(void*, void*, int, size_t)"),
    ftell: func("long ftell(void*)"),
    rewind: func("void rewind(void*)"),
    fflush: func("int fflush(void*)"),
    fpurge: func(process.platform === "linux" ? "void __fpurge(void*)" : "int fpurge(void*)"),
    fclose: func("int fclose(void*)"),
    fsetlocking: bindLocking(koffi),
  };
  bound.set(koffi, stdio);
  return stdio;
}

function bindLocking(koffi: Koffi): Stdio["fsetlocking"] {
  try {
    return koffi.load(null).func("int __fsetlocking(void*, int)") as Stdio["fsetlocking"];
  } catch {
    return undefined;
  }
}

function bindOpen(koffi: Koffi): Stdio["open"] {
  const c = koffi.load(null);
  const func = <F>(prototype: string) => c.func(prototype) as F;
  const tmpfile = func<() => Pointer | null>("void* tmpfile()");
  try {
    const memfdCreate = func<(name: string, flags: number) => number>(
      "int memfd_create(const char*, unsigned int)",
    );
    const fdopen = func<(descriptor: number, mode: string) => Pointer | null>(
      "void* fdopen(int, const char*)",
    );
    return () => {
      const descriptor = memfdCreate("flowscribe", MFD_CLOEXEC);
      if (descriptor < 0) return tmpfile();
      const file = fdopen(descriptor, "w");
      if (file === null) closeSync(descriptor);
      return file;
    };
  } catch {
    return tmpfile;
  }
}

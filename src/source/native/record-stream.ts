import { closeSync, ftruncateSync, readSync } from "node:fs";
import { FlowscribeError } from "../../errors/errors.js";
import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Libpcap, Pointer } from "./libpcap.js";
import { checkAttached, markReused } from "./reused-memory.js";

/** What C's `FILE` is made of, by its C names. */
interface Stdio {
  /** A file that lives in memory, or else in the temporary folder, and has no name. */
  open(): Pointer | null;
  fileno(file: Pointer): number;
  setvbuf(file: Pointer, buffer: Uint8Array, mode: number, bytes: number): number;
  ftell(file: Pointer): number | bigint;
  rewind(file: Pointer): void;
  fflush(file: Pointer): number;
  fpurge(file: Pointer): void;
  fclose(file: Pointer): number;
  /** Only where the C library has it. */
  fsetlocking: ((file: Pointer, kind: number) => number) | undefined;
}

/** `FSETLOCKING_BYCALLER`: no lock is taken for each record. The file is used by one thread at a time anyway. */
const LOCKING_BY_CALLER = 2;

/** `_IOFBF`: written when the buffer is full; 0 on every system that has a pcap_dump to call. */
const FULLY_BUFFERED = 0;
const MFD_CLOEXEC = 1;

/** A pcap file header: magic number, 4 bytes; link type, 4 bytes at 20. */
const FILE_HEADER_LENGTH = 24;
const LINK_TYPE = 20;
const MAGIC_US = 0xa1b2c3d4;
const MAGIC_NS = 0xa1b23c4d;
/** How far into a buffer it is given a C library may begin: musl keeps 8 bytes for `ungetc`. */
const MAX_UNUSED = 16;

/**
 * What libpcap's own `pcap_dump` writes to, so that it frames packets in memory of ours: a C `FILE` whose buffer is a
 * JavaScript buffer, and which is emptied before it is ever written out. Should more come than the buffer holds, it goes
 * into the nameless file behind it, and {@link overflow} reads it from there: nothing is lost, it is only slower.
 *
 * C keeps the buffer's address for as long as the file is open: the buffer is held here, and looked at before every write.
 */
export class RecordStream {
  readonly #stdio: Stdio;
  readonly #buffer: Uint8Array;
  #file: Pointer | undefined;
  /** What `pcap_dump` is to be called with. */
  #dumper: Pointer | undefined;
  /** Link type as in files; libpcap itself translates what it calls the same thing in memory. */
  readonly linkType: number;
  /** Where records begin. */
  readonly records: Uint8Array;

  /**
   * @returns undefined where this cannot work: there is no `pcap_dump` to be called, or the system's C library treats
   *   buffers otherwise than expected. It is tried, not believed: the file's header has to be found in the buffer.
   */
  static open(koffi: Koffi, libpcap: Libpcap, handle: Pointer, bytes: number): RecordStream | undefined {
    // Records are little endian, and pcap_dump writes what the machine is.
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
    // Still ours to close: libpcap closes it where writing the header fails, which it cannot, as it is only buffered.
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
    // The upper bits tell of frame check sequences.
    this.linkType = header.getUint32(LINK_TYPE, true) & 0xffff;
    this.clear();
  }

  /** Bytes up to here are in {@link records}. */
  get capacity(): number {
    return this.records.length;
  }

  /** @throws TypeError when the memory behind {@link records} has been transferred: C would write into it. */
  check(): void {
    checkAttached(this.#buffer);
  }

  /**
   * The argument for `pcap_dump`.
   *
   * @throws TypeError as {@link check} does.
   */
  target(): Pointer {
    if (this.#dumper === undefined) throw new TypeError("the capture is closed");
    this.check();
    return this.#dumper;
  }

  /**
   * Forgets what was written, which stays where it is until the next record is written over it. To be called as soon as the
   * records are counted: a file that has something to write tries to when the process ends.
   */
  clear(): void {
    const file = this.#opened();
    this.#stdio.fpurge(file);
    this.#stdio.rewind(file);
  }

  /** Bytes written since it was cleared; beyond {@link capacity} they are in the file, see {@link overflow}. */
  position(): number {
    return Number(this.#stdio.ftell(this.#opened()));
  }

  /** All that was written, when that is more than {@link capacity}; to be followed by {@link clear}. */
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
    // Purged, so that closing writes nothing from the buffer.
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

/** Throws where the C library has not all of them. */
function bindStdio(koffi: Koffi): Stdio {
  const known = bound.get(koffi);
  if (known !== undefined) return known;
  const c = koffi.load(null);
  // What `func` returns is what its prototype says, which no type can tell.
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

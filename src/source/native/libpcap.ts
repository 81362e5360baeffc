import { FlowscribeError } from "../../errors/errors.js";
import { type Koffi, type Library, loadLibrary } from "./koffi.js";

/** A C pointer; NULL is null. */
export type Pointer = bigint;

/** A function that can also run on a thread of the pool, with a completion callback. */
export type Threaded<F extends (...values: never[]) => unknown> = F & {
  async(...values: [...Parameters<F>, (error: unknown, result: ReturnType<F>) => void]): void;
};

/** The libpcap functions in use, by their C names without `pcap_`: `man pcap`. */
export interface Libpcap {
  readonly create: (device: string, error: Uint8Array) => Pointer | null;
  /** Opens a handle without a device, for compiling. */
  readonly open_dead: (linkType: number, snapLength: number) => Pointer | null;
  readonly set_snaplen: (handle: Pointer, bytes: number) => number;
  readonly set_promisc: (handle: Pointer, on: number) => number;
  readonly set_timeout: (handle: Pointer, ms: number) => number;
  readonly set_buffer_size: (handle: Pointer, bytes: number) => number;
  /** Since libpcap 1.5. */
  readonly set_tstamp_precision: ((handle: Pointer, precision: number) => number) | undefined;
  readonly get_tstamp_precision: ((handle: Pointer) => number) | undefined;
  readonly activate: Threaded<(handle: Pointer) => number>;
  readonly geterr: (handle: Pointer) => string;
  readonly setnonblock: (handle: Pointer, on: number, error: Uint8Array) => number;
  readonly setdirection: (handle: Pointer, direction: number) => number;
  /** Not on Windows. */
  readonly get_selectable_fd: ((handle: Pointer) => number) | undefined;
  readonly datalink: (handle: Pointer) => number;
  readonly set_datalink: (handle: Pointer, linkType: number) => number;
  readonly compile: (
    handle: Pointer,
    program: Uint8Array,
    text: string,
    optimize: number,
    netmask: number,
  ) => number;
  readonly setfilter: (handle: Pointer, program: Uint8Array) => number;
  readonly freecode: (program: Uint8Array) => void;
  readonly dispatch: (handle: Pointer, count: number, callback: Pointer, user: Pointer) => number;
  readonly next_ex: (handle: Pointer, header: BigUint64Array, data: BigUint64Array) => number;
  readonly stats: (handle: Pointer, stats: Uint8Array) => number;
  readonly close: Threaded<(handle: Pointer) => void>;
  readonly findalldevs: (first: BigUint64Array, error: Uint8Array) => number;
  readonly freealldevs: (first: Pointer) => void;
  readonly dump_fopen: (handle: Pointer, file: Pointer) => Pointer | null;
  /** The address of `pcap_dump`, which is passed to `dispatch`. */
  readonly dump: Pointer;
}

const NAMES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["libpcap.A.dylib", "/usr/lib/libpcap.A.dylib", "libpcap.dylib"],
  win32: ["C:\\Windows\\System32\\Npcap\\wpcap.dll", "wpcap.dll"],
  freebsd: ["libpcap.so", "libpcap.so.8"],
  openbsd: ["libpcap.so"],
};
const LINUX_NAMES = ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so"];

const INSTALL: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: "it is part of macOS",
  win32: "install Npcap, https://npcap.com",
  freebsd: "it is part of FreeBSD",
  openbsd: "it is part of OpenBSD",
};
const LINUX_INSTALL =
  "install the package libpcap0.8 (Debian, Ubuntu) or libpcap (Fedora, Alpine, Arch, SUSE)";

const bound = new WeakMap<Koffi, Libpcap>();

/**
 * Loads the system's libpcap on first use.
 *
 * @param names Library names to try instead of the platform's.
 * @throws FlowscribeError `capture_unavailable`, whose message says what to install.
 */
export function loadLibpcap(koffi: Koffi, names?: readonly string[]): Libpcap {
  const loaded = names === undefined ? bound.get(koffi) : undefined;
  if (loaded !== undefined) return loaded;
  const tried = names ?? NAMES[process.platform] ?? LINUX_NAMES;
  const library = loadLibrary(koffi, tried);
  if (library === undefined) {
    const advice = INSTALL[process.platform] ?? LINUX_INSTALL;
    throw new FlowscribeError(
      "capture_unavailable",
      `live capture and pcap-filter text need libpcap, which is not installed (tried ${tried.join(", ")}): ${advice}`,
    );
  }
  const functions = bind(library);
  if (names === undefined) bound.set(koffi, functions);
  return functions;
}

/** Prototypes as in pcap/pcap.h. A wrong prototype crashes the process: compare each with its type above. */
function bind(library: Library): Libpcap {
  // The cast is true if the prototype is, which the type checker cannot verify.
  const required = <F>(prototype: string) => library.func(prototype) as F;
  const optional = <F>(prototype: string) => {
    try {
      return required<F>(prototype);
    } catch {
      return undefined;
    }
  };
  return {
    create: required("void* pcap_create(const char*, void*)"),
    open_dead: required("void* pcap_open_dead(int, int)"),
    set_snaplen: required("int pcap_set_snaplen(void*, int)"),
    set_promisc: required("int pcap_set_promisc(void*, int)"),
    set_timeout: required("int pcap_set_timeout(void*, int)"),
    set_buffer_size: required("int pcap_set_buffer_size(void*, int)"),
    set_tstamp_precision: optional("int pcap_set_tstamp_precision(void*, int)"),
    get_tstamp_precision: optional("int pcap_get_tstamp_precision(void*)"),
    activate: required("int pcap_activate(void*)"),
    geterr: required("const char* pcap_geterr(void*)"),
    setnonblock: required("int pcap_setnonblock(void*, int, void*)"),
    setdirection: required("int pcap_setdirection(void*, int)"),
    get_selectable_fd: optional("int pcap_get_selectable_fd(void*)"),
    datalink: required("int pcap_datalink(void*)"),
    set_datalink: required("int pcap_set_datalink(void*, int)"),
    compile: required("int pcap_compile(void*, void*, const char*, int, uint32_t)"),
    setfilter: required("int pcap_setfilter(void*, void*)"),
    freecode: required("void pcap_freecode(void*)"),
    dispatch: required("int pcap_dispatch(void*, int, void*, void*)"),
    next_ex: required("int pcap_next_ex(void*, void*, void*)"),
    stats: required("int pcap_stats(void*, void*)"),
    close: required("void pcap_close(void*)"),
    findalldevs: required("int pcap_findalldevs(void*, void*)"),
    freealldevs: required("void pcap_freealldevs(void*)"),
    dump_fopen: required("void* pcap_dump_fopen(void*, void*)"),
    dump: library.symbol("pcap_dump"),
  };
}

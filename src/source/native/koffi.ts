import { createRequire } from "node:module";
import { FlowscribeError } from "../../errors/errors.js";

/**
 * Calls into C, by the optional dependency `koffi`, as far as the live captures need them. What is called with these can
 * crash the process: the rooms that use them keep every such call in as few lines as they can, and hold a reference to
 * each buffer whose address C has kept.
 */
export interface Koffi {
  /** Throws where the system's loader finds no such library; see {@link loadLibrary}. `null`: what Node itself links. */
  load(name: string | null): Library;
  /** The C `errno` of the last call; to be asked before any other call. */
  errno(): number;
  /** Where the bytes of a buffer are. Does not keep the buffer alive. */
  address(bytes: ArrayBufferView | ArrayBuffer): bigint;
  /**
   * External memory as an `ArrayBuffer`; reading it after it has been freed or unmapped crashes. Node marks it untransferable by
   * itself: never pass it to `markAsUntransferable` (see reused-memory.ts).
   */
  view(address: bigint, lengthBytes: number): ArrayBuffer;
  /** Bytes of a C type, such as `"long"` or `"void*"`. */
  sizeof(type: string): number;
  readonly decode: {
    /** The C string at an address. */
    string(address: bigint): string;
  };
  readonly node: {
    /**
     * Calls back on the event loop whenever the descriptor is ready (libuv's uv_poll), until stopped or closed. Keeps the
     * process alive meanwhile, unless told otherwise by `unref`. See {@link PollCallback} for what has to be minded.
     */
    poll(descriptor: number, events: PollEvents, callback: PollCallback): PollHandle;
  };
}

/**
 * Called by libuv itself, not by Node: promises settled in here are not looked at before something else happens, so that
 * what is to go on has to be passed to `setImmediate`; and what it throws ends the process.
 *
 * @param status 0, or a negative error number of the system (-9, EBADF, when the descriptor has an error to tell, as when
 *   a network interface goes down); the handle then stands still until it is started again.
 */
export type PollCallback = (status: number, events: Required<PollEvents>) => void;

/** What a descriptor is waited for. */
export interface PollEvents {
  readonly readable?: boolean;
  readonly writable?: boolean;
  readonly disconnect?: boolean;
}

/** A descriptor that is being waited for. */
export interface PollHandle {
  start(events: PollEvents, callback: PollCallback): void;
  stop(): void;
  /** To be called before the descriptor is closed, and once. */
  close(): void;
  unref(): void;
  ref(): void;
}

/** A shared library, loaded for the rest of the process. */
export interface Library {
  /** A function by its C prototype: `"int close(int)"`. Throws where the library has none of that name. */
  func(prototype: string): unknown;
  /** The address of what the library exports by that name. Throws where there is none. */
  symbol(name: string): bigint;
}

let loaded: Koffi | undefined;

/**
 * Loads koffi when C is called for the first time: programs that capture nothing do without it.
 *
 * @param load Where koffi comes from; for tests.
 * @throws FlowscribeError `capture_unavailable` when it is not installed, or has no build for this platform.
 */
export async function loadKoffi(load?: () => Promise<unknown>): Promise<Koffi> {
  if (load === undefined && loaded !== undefined) return loaded;
  try {
    // The declared types are wider than those above; the cast names the part that is used.
    const koffi = (await (load ?? importKoffi)()) as Koffi;
    if (load === undefined) loaded = koffi;
    return koffi;
  } catch (cause) {
    throw new FlowscribeError("capture_unavailable", reason(cause), { cause });
  }
}

async function importKoffi(): Promise<unknown> {
  const koffi = (await import("koffi")).default;
  keepLoaded(koffi as unknown as Koffi);
  return koffi;
}

/** `RTLD_NOW`, the same everywhere. */
const RTLD_NOW = 2;

/**
 * Takes a hold of koffi's own code that is never let go. When a worker thread ends while it waits for a descriptor, Node
 * unloads that code before libuv has called it back for the last time: a crash (seen with koffi 3.3.4 on Node 20).
 */
function keepLoaded(koffi: Koffi): void {
  if (process.platform === "win32") return;
  const addons = Object.keys(createRequire(import.meta.url).cache).filter((path) =>
    path.endsWith("koffi.node"),
  );
  const dlopen = koffi.load(null).func("void* dlopen(const char*, int)") as (
    path: string,
    mode: number,
  ) => unknown;
  for (const path of addons) dlopen(path, RTLD_NOW);
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND"
    ? "live capture and pcap-filter text need the package koffi, an optional dependency that is not installed: npm install koffi"
    : `live capture and pcap-filter text need the package koffi, which has no working build for ${process.platform} on ${process.arch} here`;
}

/** The first of these libraries that the system's loader finds; undefined when it finds none. */
export function loadLibrary(koffi: Koffi, names: readonly string[]): Library | undefined {
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch {
      // The next name: the loader's message says no more than that there is none.
    }
  }
  return undefined;
}

import { createRequire } from "node:module";
import { FlowscribeError } from "../../errors/errors.js";

/**
 * The part of the optional dependency `koffi` that live captures use to call C. These calls can crash the process, so
 * the modules that use them keep each call in as few lines as possible and hold a reference to every buffer whose
 * address C keeps.
 */
export interface Koffi {
  /**
   * Throws if the system's loader does not find the library; see {@link loadLibrary}. `null`: the libraries that Node
   * itself is linked with.
   */
  load(name: string | null): Library;
  /** The C `errno` of the last call; read it before any other call. */
  errno(): number;
  /** Address of a buffer's bytes. Does not keep the buffer alive. */
  address(bytes: ArrayBufferView | ArrayBuffer): bigint;
  /**
   * External memory as an `ArrayBuffer`. Reading it after it has been freed or unmapped crashes the process. Node
   * itself marks it as untransferable: never pass it to `markAsUntransferable` (see reused-memory.ts).
   */
  view(address: bigint, lengthBytes: number): ArrayBuffer;
  /** Size of a C type in bytes, such as `"long"` or `"void*"`. */
  sizeof(type: string): number;
  readonly decode: {
    /** Reads the C string at an address. */
    string(address: bigint): string;
  };
  readonly node: {
    /**
     * Calls `callback` on the event loop whenever the descriptor is ready (libuv's uv_poll), until stopped or closed.
     * Keeps the process alive unless `unref` is called. See {@link PollCallback} for restrictions.
     */
    poll(descriptor: number, events: PollEvents, callback: PollCallback): PollHandle;
  };
}

/**
 * Called by libuv, not by Node. Promise reactions do not run until another event occurs, so continue with
 * `setImmediate`. An exception ends the process.
 *
 * @param status 0, or a negative errno (-9, EBADF, if the descriptor reports an error, for example when a network
 *   interface goes down); polling then stops until it is started again.
 */
export type PollCallback = (status: number, events: Required<PollEvents>) => void;

/** The events to wait for. */
export interface PollEvents {
  readonly readable?: boolean;
  readonly writable?: boolean;
  readonly disconnect?: boolean;
}

/** A descriptor that is being polled. */
export interface PollHandle {
  start(events: PollEvents, callback: PollCallback): void;
  stop(): void;
  /** Call it once, before the descriptor is closed. */
  close(): void;
  unref(): void;
  ref(): void;
}

/** A shared library. It stays loaded until the process ends. */
export interface Library {
  /** Binds a function by its C prototype: `"int close(int)"`. Throws if the library does not export it. */
  func(prototype: string): unknown;
  /** Address of an exported symbol. Throws if the library does not export it. */
  symbol(name: string): bigint;
}

let loaded: Koffi | undefined;

/**
 * Loads koffi on first use: programs that do not capture do not need it.
 *
 * @param load Imports koffi; for tests.
 * @throws FlowscribeError `capture_unavailable` if it is not installed or has no build for this platform.
 */
export async function loadKoffi(load?: () => Promise<unknown>): Promise<Koffi> {
  if (load === undefined && loaded !== undefined) return loaded;
  try {
    // The declared types are wider than those above; the cast selects the part that is used.
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

/** `RTLD_NOW`, the same on all platforms. */
const RTLD_NOW = 2;

/**
 * Keeps koffi's native code loaded. When a worker thread ends while it waits for a descriptor, Node unloads the code
 * before the last callback of libuv, which crashes the process (seen with koffi 3.3.4 on Node 20).
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

/** Loads the first of these libraries that the system's loader finds; undefined if it finds no library. */
export function loadLibrary(koffi: Koffi, names: readonly string[]): Library | undefined {
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch {
      // Try the next name: the error only says that the library was not found.
    }
  }
  return undefined;
}

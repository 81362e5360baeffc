import type { Koffi } from "../koffi.js";
import type { Descriptor, Libc } from "./libc.js";
import { SystemError } from "./system-error.js";

/** An address range that descriptors are mapped into, as one buffer. */
export interface Memory {
  /** For internal use; pass a {@link createView} to callers of this package. */
  readonly buffer: ArrayBuffer;
  /**
   * Another buffer over the same addresses, for batches. If a caller detaches it (`ArrayBuffer.prototype.transfer`, a
   * byte stream), `buffer` stays valid.
   */
  createView(): ArrayBuffer;
  /** Maps a part of a descriptor. `at`, `bytes` and `offset` are multiples of the page size. */
  map(at: number, bytes: number, descriptor: Descriptor, offset: number, access: "read" | "write"): void;
  /** Releases the maps. The buffer then shows other memory, and the address range may be reused. */
  release(): void;
}

// asm-generic/mman-common.h
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** Flags of a range that nothing is mapped into. */
const UNUSED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/** Arguments of mmap(2). */
interface MapRequest {
  readonly address: bigint | null;
  readonly bytes: number;
  readonly protection: number;
  readonly flags: number;
  readonly descriptor?: Descriptor;
  readonly offset?: number;
}

/** Reserves address ranges, and reuses those that were released. */
export class MemoryPool {
  readonly #koffi: Koffi;
  readonly #libc: Libc;
  /** Released address ranges by length, for reuse. Their buffers may still be referenced. */
  readonly #free = new Map<number, Memory[]>();

  constructor(koffi: Koffi, libc: Libc) {
    this.#koffi = koffi;
    this.#libc = libc;
  }

  reserve(bytes: number): Memory {
    return this.#free.get(bytes)?.pop() ?? this.#create(bytes);
  }

  #create(bytes: number): Memory {
    const address = this.#map({ address: null, bytes, protection: PROT_NONE, flags: UNUSED });
    const memory: Memory = {
      buffer: this.#koffi.view(address, bytes),
      createView: () => this.#koffi.view(address, bytes),
      map: (at, length, descriptor, offset, access) => {
        this.#map({
          address: address + BigInt(at),
          bytes: length,
          protection: access === "write" ? PROT_READ | PROT_WRITE : PROT_READ,
          flags: MAP_SHARED | MAP_FIXED,
          descriptor,
          offset,
        });
      },
      release: () => {
        this.#map({ address, bytes, protection: PROT_READ | PROT_WRITE, flags: UNUSED | MAP_FIXED });
        const others = this.#free.get(bytes);
        if (others === undefined) this.#free.set(bytes, [memory]);
        else others.push(memory);
      },
    };
    return memory;
  }

  #map({ address, bytes, protection, flags, descriptor = -1, offset = 0 }: MapRequest): bigint {
    const result = this.#libc.mmap(address, bytes, protection, flags, descriptor, offset);
    if (result === null || result === MAP_FAILED) throw new SystemError("mmap", this.#libc.errno());
    return result;
  }
}

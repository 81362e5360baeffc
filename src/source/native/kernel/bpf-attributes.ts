import type { Koffi } from "../koffi.js";

/** Maximum length of a name; a NUL follows. */
export const NAME_LENGTH = 15;

/** The attribute struct of bpf(2), written by offset. */
export class BpfAttributes {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #koffi: Koffi;
  /** Keeps referenced buffers alive until the call is over, as an address does not. */
  readonly held: ArrayBufferView[] = [];

  constructor(koffi: Koffi, size: number) {
    this.#koffi = koffi;
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  uint32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  pointer(offset: number, target: ArrayBufferView): this {
    this.held.push(target);
    this.#view.setBigUint64(offset, this.#koffi.address(target), true);
    return this;
  }

  name(offset: number, name: string): this {
    this.bytes.set(new TextEncoder().encode(name).subarray(0, NAME_LENGTH), offset);
    return this;
  }

  read(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

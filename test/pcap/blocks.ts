/** Writes pcapng by hand, block by block, in either byte order and with whatever faults a test wants. */

export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
export const OBSOLETE_PACKET = 2;
export const SIMPLE_PACKET = 3;
export const NAME_RESOLUTION = 4;
export const INTERFACE_STATISTICS = 5;
export const ENHANCED_PACKET = 6;
export const DECRYPTION_SECRETS = 10;
export const CUSTOM = 0xbad;

/** An option's code and value: text, raw bytes, one byte (number) or eight (bigint). */
export type Option = readonly [code: number, value: string | Uint8Array | number | bigint];

export interface EnhancedFields {
  readonly interfaceId?: number;
  /** 64-bit count of the interface's unit. */
  readonly time?: bigint;
  readonly data?: Uint8Array;
  /** What the block claims; default what `data` has. */
  readonly captured?: number;
  readonly original?: number;
  readonly options?: readonly Option[];
  /** What stands where the options belong, instead of them. */
  readonly rawOptions?: Uint8Array;
}

export type BlockWriter = ReturnType<typeof blockWriter>;

export function blockWriter({ littleEndian = true } = {}) {
  const number = (size: number, write: (view: DataView) => void): Uint8Array => {
    const bytes = new Uint8Array(size);
    write(new DataView(bytes.buffer));
    return bytes;
  };
  const u16 = (value: number) => number(2, (view) => view.setUint16(0, value, littleEndian));
  const u32 = (value: number) => number(4, (view) => view.setUint32(0, value, littleEndian));
  const u64 = (value: bigint) => number(8, (view) => view.setBigUint64(0, value, littleEndian));

  /** Any block; the two lengths may lie. */
  function block(
    type: number,
    body: Uint8Array,
    { length = 12 + body.length, trailer = length }: { length?: number; trailer?: number } = {},
  ): Uint8Array {
    return join(u32(type), u32(length), body, u32(trailer));
  }

  function options(list: readonly Option[] = []): Uint8Array {
    if (list.length === 0) return new Uint8Array(0);
    return join(...list.map(option), u16(0), u16(0));
  }

  function option([code, value]: Option): Uint8Array {
    const bytes =
      typeof value === "string"
        ? new TextEncoder().encode(value)
        : typeof value === "number"
          ? Uint8Array.of(value)
          : typeof value === "bigint"
            ? u64(value)
            : value;
    return join(u16(code), u16(bytes.length), pad(bytes));
  }

  return {
    block,
    u16,
    u32,
    u64,
    option,
    options,
    section({
      major = 1,
      minor = 0,
      options: list = [],
    }: {
      major?: number;
      minor?: number;
      options?: readonly Option[];
    } = {}) {
      const body = join(u32(0x1a2b3c4d), u16(major), u16(minor), u64(0xffff_ffff_ffff_ffffn), options(list));
      return block(SECTION_HEADER, body);
    },
    interface({
      linkType = 1,
      snapLength = 0,
      options: list = [],
    }: {
      linkType?: number;
      snapLength?: number;
      options?: readonly Option[];
    } = {}) {
      return block(INTERFACE_DESCRIPTION, join(u16(linkType), u16(0), u32(snapLength), options(list)));
    },
    enhanced(fields: EnhancedFields = {}) {
      return block(ENHANCED_PACKET, join(u32(fields.interfaceId ?? 0), packetBody(fields)));
    },
    /** The obsolete packet block: 16 bits of interface, 16 of drops. */
    obsolete({ drops = 0, ...fields }: EnhancedFields & { drops?: number } = {}) {
      return block(OBSOLETE_PACKET, join(u16(fields.interfaceId ?? 0), u16(drops), packetBody(fields)));
    },
    simple(data: Uint8Array, original = data.length) {
      return block(SIMPLE_PACKET, join(u32(original), pad(data)));
    },
    statistics(interfaceId: number, list: readonly Option[] = []) {
      return block(INTERFACE_STATISTICS, join(u32(interfaceId), u64(0n), options(list)));
    },
  };

  function packetBody({
    time = 0n,
    data = new Uint8Array(0),
    captured = data.length,
    original = captured,
    options: list = [],
    rawOptions = options(list),
  }: EnhancedFields): Uint8Array {
    return join(
      u32(Number(time >> 32n)),
      u32(Number(time & 0xffff_ffffn)),
      u32(captured),
      u32(original),
      pad(data),
      rawOptions,
    );
  }
}

/** Padded to words, as everything in pcapng is. */
export function pad(bytes: Uint8Array): Uint8Array {
  return join(bytes, new Uint8Array(-bytes.length & 3));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

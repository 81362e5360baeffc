import type { ByteInput } from "./byte-input.js";
import { peek } from "./peek.js";
import { GZIP_MAGIC_BYTES, isGzip } from "./signature.js";

/** Why gzip data cannot be decompressed. */
export interface GzipFault {
  readonly kind: "truncated" | "damaged";
  readonly message: string;
  /** Offset in the compressed data. */
  readonly offset: number;
}

/** The plain bytes of an input. */
export interface Decompressed {
  readonly input: ByteInput;
  readonly compressed: boolean;
}

/**
 * Decompresses an input if it begins with the magic number of gzip; any other input is returned unchanged. The
 * decompressor is loaded on demand, so that plain files open faster.
 *
 * @param errorOf Creates the error for a fault, which is thrown where the data is read.
 */
export async function decompress(
  raw: ByteInput,
  errorOf: (fault: GzipFault) => Error,
): Promise<Decompressed> {
  const { result: compressed, input } = await peek(raw, (head, isLast) =>
    isLast || head.length >= GZIP_MAGIC_BYTES ? isGzip(head) : undefined,
  );
  if (!compressed) return { input, compressed };
  const { createGunzip } = await import("./gunzip.js");
  return { input: createGunzip(input, errorOf), compressed };
}

import { createHash } from "node:crypto";

/** The maximum number of bytes that identify a file. */
export const FINGERPRINT_BYTES = 1024;

/** Identifies a file by its first bytes, after decompression, so that it is found again under another name. */
export interface Fingerprint {
  /** Number of bytes, at most {@link FINGERPRINT_BYTES}; 0 for a file of which nothing is known. */
  readonly bytes: number;
  /** SHA-256 of these bytes, in hexadecimal. */
  readonly sha256: string;
}

/** @param head The first bytes of a file; more than {@link FINGERPRINT_BYTES} do not count. */
export function fingerprintOf(head: Uint8Array): Fingerprint {
  const bytes = Math.min(head.length, FINGERPRINT_BYTES);
  return { bytes, sha256: createHash("sha256").update(head.subarray(0, bytes)).digest("hex") };
}

/** Whether a file with these first bytes may be the one with the fingerprint. Nothing is like a fingerprint of no bytes. */
export function isLike(head: Uint8Array, { bytes, sha256 }: Fingerprint): boolean {
  return bytes > 0 && head.length >= bytes && fingerprintOf(head.subarray(0, bytes)).sha256 === sha256;
}

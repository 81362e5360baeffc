/** Longer lines are read where they are. */
export const ARENA_LINE_BYTES = 16 * 1024;

/** Bytes behind a line that words of four bytes may reach. */
const PADDING_BYTES = 8;

/**
 * Where lines are copied before they are read, so that their bytes can be compared in words of four: creating a view for
 * each line would take longer. The copy of a line is followed by a quote, which ends every search.
 */
export const ARENA: Uint8Array = new Uint8Array(ARENA_LINE_BYTES + PADDING_BYTES);
export const ARENA_WORDS: DataView = new DataView(ARENA.buffer);

const QUOTE = 0x22;

/** Copies a line of at most {@link ARENA_LINE_BYTES} to the start of the arena. */
export function copyToArena(bytes: Uint8Array, start: number, end: number): void {
  ARENA.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
  ARENA[end - start] = QUOTE;
}

/** Maximum length in bytes for which a loop is faster than `set`, which needs a view of the source. */
const LOOP_BYTES = 96;

/** Copies `source[start..end)` to `target` at offset `at`. The ranges must not overlap in memory. */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start > LOOP_BYTES) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}

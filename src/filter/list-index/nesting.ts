/** For each of the sorted items, the position of the innermost other one that includes it; -1 if none does. */
export function parentsOf<T>(sorted: readonly T[], includes: (outer: T, inner: T) => boolean): Int32Array {
  const parents = new Int32Array(sorted.length);
  const open: number[] = [];
  sorted.forEach((item, index) => {
    while (open.length > 0 && !includes(sorted[open.at(-1)!]!, item)) open.pop();
    parents[index] = open.at(-1) ?? -1;
    open.push(index);
  });
  return parents;
}

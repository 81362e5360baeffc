/** The minimum number of values for which a set is faster than a linear search. */
const SET_SIZE = 5;

/** Compiles a test for equality with any of the values: a linear search for few, a set for many. */
export function compileOneOf<T extends string | number | bigint>(
  values: readonly T[],
): (value: T) => boolean {
  const [first, second] = values;
  if (first === undefined) return () => false;
  if (second === undefined) return (value) => value === first;
  if (values.length < SET_SIZE) {
    const few = [...values];
    return (value) => few.includes(value);
  }
  const many = new Set(values);
  return (value) => many.has(value);
}

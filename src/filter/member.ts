/** From how many values on a set is quicker than comparing one by one. */
const SET_SIZE = 5;

/** Whether a value is among the values: compared one by one when they are few, looked up in a set when they are many. */
export function compileMember<T extends string | number | bigint>(
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

/** Combines tests into one that holds if any of them does. */
export function anyHolds<T>(tests: readonly ((value: T) => boolean)[]): (value: T) => boolean {
  const [first, second] = tests;
  if (first === undefined) return () => false;
  if (second === undefined) return first;
  if (tests.length === 2) return (value) => first(value) || second(value);
  return (value) => {
    for (let index = 0; index < tests.length; index++) if (tests[index]!(value)) return true;
    return false;
  };
}

/** Combines tests into one that holds if all of them do. */
export function allHold<T>(tests: readonly ((value: T) => boolean)[]): (value: T) => boolean {
  const [first, second, third] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (third === undefined) return (value) => first(value) && second(value);
  return (value) => {
    for (let index = 0; index < tests.length; index++) if (!tests[index]!(value)) return false;
    return true;
  };
}

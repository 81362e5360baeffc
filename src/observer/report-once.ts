/** The maximum number of distinct strings that are remembered and reported. */
const MAX_REPORTED = 100;

/**
 * Calls `report` once for each distinct string, up to {@link MAX_REPORTED}. The next distinct string calls `reportMore`
 * once, and all later ones are ignored. This bounds memory for hostile input.
 */
export function reportOnce<Context extends unknown[]>(
  report: (text: string, ...context: Context) => void,
  reportMore: (...context: Context) => void,
): (text: string, ...context: Context) => void {
  const reported = new Set<string>();
  let isFull = false;
  return (text, ...context) => {
    if (isFull || reported.has(text)) return;
    isFull = reported.size === MAX_REPORTED;
    if (isFull) return reportMore(...context);
    reported.add(text);
    report(text, ...context);
  };
}

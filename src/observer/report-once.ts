/** Different texts that are remembered, and reported. */
const MAX_REPORTED = 100;

/**
 * Calls `report` once for each different text. Of hostile input with ever new texts, {@link MAX_REPORTED} are reported;
 * `reportMore` is then called once, and no more is remembered.
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

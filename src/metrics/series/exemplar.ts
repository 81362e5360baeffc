/** An exemplar of OpenMetrics, as prom-client's registry prints it. */
export interface Exemplar {
  readonly labelSet: { readonly traceID: string };
  readonly value: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** OpenMetrics limits the names and values of an exemplar's labels to 128 characters. */
const MAX_TRACE_ID_LENGTH = 128 - "traceID".length;

/** Creates an exemplar with the label that Hubble uses; undefined if the trace ID is empty or too long. */
export function exemplarOf(traceID: string, value: number, nowMs: number): Exemplar | undefined {
  if (traceID === "" || traceID.length > MAX_TRACE_ID_LENGTH) return undefined;
  return { labelSet: { traceID }, value, timestamp: nowMs / 1000 };
}

/** Where the last line could not be read. */
let failedAt = 0;

/** Notes where a line cannot be read. Returns the result of the readers for that. */
export function fail(at: number): -1 {
  failedAt = at;
  return -1;
}

export function lastFailure(): number {
  return failedAt;
}

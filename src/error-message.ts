/** What something thrown says; what is no Error is taken as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

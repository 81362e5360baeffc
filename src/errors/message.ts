/** The message of a thrown value; a value that is not an Error is converted to a string. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system error, such as `ENOENT`; undefined if absent. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * The message of a system error without syscall and path: `EACCES: permission denied`. For messages that name the path.
 */
export function withoutPath(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof Error) || !("syscall" in error) || typeof error.syscall !== "string") return message;
  const end = message.lastIndexOf(`, ${error.syscall}`);
  return end < 0 ? message : message.slice(0, end);
}

/** What something thrown says; what is no Error is taken as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system's error, such as `ENOENT`; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What a system's error says, without the call and the path: `EACCES: permission denied`, for messages that name the path. */
export function withoutPath(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof Error) || !("syscall" in error) || typeof error.syscall !== "string") return message;
  const end = message.lastIndexOf(`, ${error.syscall}`);
  return end < 0 ? message : message.slice(0, end);
}

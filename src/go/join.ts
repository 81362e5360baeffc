/** Go's `net.JoinHostPort`: puts brackets around a host that contains a colon. */
export function joinHostPort(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Matches a part of a path that `path.Clean` removes: empty, `.` or `..`. */
const ODD_PART = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * Go's `path.Join` for two parts, of which the second must not be empty: cleans the result and omits the slash if the
 * first part is empty.
 */
export function joinPath(directory: string, name: string): string {
  const path = directory === "" ? name : `${directory}/${name}`;
  return ODD_PART.test(path) ? cleanPath(path) : path;
}

function cleanPath(path: string): string {
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!rooted) kept.push(part);
  }
  const rest = kept.join("/");
  return rooted ? `/${rest}` : rest || ".";
}

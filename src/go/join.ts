/** As Go's `net.JoinHostPort`: with brackets around a host that has a colon. */
export function joinHostPort(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A part of a path that `path.Clean` takes away: empty, `.` or `..`. */
const ODD_PART = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** As Go's `path.Join` of two parts, of which the second is not empty: without the slash when the first is empty, and cleaned. */
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

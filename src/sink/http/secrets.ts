/** What replaces a secret in messages. */
const HIDDEN = "***";

/** Shorter values are too common to be searched for. */
const MIN_LENGTH = 4;

/** Names of query parameters whose values are secret. */
const SECRET_PARAMETER = /pass|token|secret|key|auth|user|sig/i;

/** The URL for messages: without credentials and query, which may contain secrets. */
export function describeUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/**
 * Creates a function that replaces, in texts such as the answers of servers, the values of headers and of secret parts of
 * the URL.
 */
export function createRedactor(
  url: URL,
  headers: Readonly<Record<string, string>>,
): (text: string) => string {
  const secrets = new Set<string>();
  for (const value of Object.values(headers)) {
    secrets.add(value);
    // The token of "Bearer token".
    for (const part of value.split(/\s+/)) secrets.add(part);
  }
  for (const part of [url.username, url.password]) {
    secrets.add(part);
    secrets.add(decode(part));
  }
  // As in the header for them.
  const credentials = `${decode(url.username)}:${decode(url.password)}`;
  if (credentials !== ":") secrets.add(Buffer.from(credentials).toString("base64"));
  for (const [name, value] of url.searchParams) {
    if (!SECRET_PARAMETER.test(name)) continue;
    secrets.add(value);
    secrets.add(encodeURIComponent(value));
  }
  const values = [...secrets].filter(({ length }) => length >= MIN_LENGTH);
  // The longest first, as one may be a part of another.
  values.sort((a, b) => b.length - a.length);
  return (text) => values.reduce((redacted, value) => redacted.replaceAll(value, HIDDEN), text);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

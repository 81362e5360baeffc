/** A label as Cilium keeps it, see pkg/labels in cilium. */
export interface Label {
  /** Where it comes from, for example `k8s` or `reserved`; {@link UNSPECIFIED_SOURCE} if the text did not say. */
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

/** The source of a label whose text names none. */
export const UNSPECIFIED_SOURCE = "unspec";
/** In a selector: labels of every source. */
export const ANY_SOURCE = "any";
export const RESERVED_SOURCE = "reserved";
export const CIDR_SOURCE = "cidr";

/** The other way to write `reserved:`, which counts only in a text without any colon. */
export const RESERVED_PREFIX = "reserved.";

/**
 * Reads a label of an event as cilium's `labels.ParseLabel` does, from any text: `source:key=value`, each but the key
 * optional. Quirks: the first colon ends the source even when it stands in the value (`app=a:b` is the key `b`),
 * `$host` is `reserved:host`, and so is `reserved:=host`.
 */
export function parseLabel(text: string): Label {
  let source = "";
  let start = 0;
  if (text.startsWith("$")) {
    source = RESERVED_SOURCE;
    start = 1;
  } else {
    const colon = text.indexOf(":");
    if (colon >= 0) {
      source = text.slice(0, colon);
      start = colon + 1;
    } else if (text.startsWith(RESERVED_PREFIX)) {
      source = RESERVED_SOURCE;
      start = RESERVED_PREFIX.length;
    }
  }
  const equals = text.indexOf("=", start);
  if (equals < 0) return label(source, text.slice(start), "");
  if (equals === start && source === RESERVED_SOURCE) return label(source, text.slice(start + 1), "");
  return label(source, text.slice(start, equals), text.slice(equals + 1));
}

function label(source: string, key: string, value: string): Label {
  return { source: source === "" ? UNSPECIFIED_SOURCE : source, key, value };
}

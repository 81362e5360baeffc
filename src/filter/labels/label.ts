/** A label as Cilium represents it; see pkg/labels in cilium. */
export interface Label {
  /** The source, for example `k8s` or `reserved`; {@link UNSPECIFIED_SOURCE} if the label has none. */
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

/** The source of a label that does not specify one. */
export const UNSPECIFIED_SOURCE = "unspec";
/** In a selector: matches labels of every source. */
export const ANY_SOURCE = "any";
export const RESERVED_SOURCE = "reserved";
export const CIDR_SOURCE = "cidr";

/** An alternative to `reserved:`, recognized only in labels without a colon. */
export const RESERVED_PREFIX = "reserved.";

/**
 * Parses any string as a label of an event, like cilium's `labels.ParseLabel`: `source:key=value`, of which only the
 * key is required. Quirks: the first colon ends the source even if it is part of the value (`app=a:b` has the key `b`),
 * and both `$host` and `reserved:=host` mean `reserved:host`.
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

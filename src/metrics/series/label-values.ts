import { copyOf } from "../../bytes/copy-string.js";
import { cutText } from "../../errors/cut-text.js";

/** The value of a label. Numbers are formatted when a series is created, not for each flow. */
export type LabelValue = string | number;

/** Maximum length of a label's value, in UTF-16 code units; a longer one is cut. */
export const MAX_LABEL_LENGTH = 1024;

const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * The value that a series gets: cut to {@link MAX_LABEL_LENGTH}, with U+FFFD for surrogates without partner, which would
 * become it when they are encoded as UTF-8. Two values that are printed alike therefore share a series.
 */
export function cleanLabel(value: LabelValue): LabelValue {
  if (typeof value === "number") return value;
  // A usual string stays the same object: decoded events share those that occur again, and V8 compares them at once.
  if (value.length <= MAX_LABEL_LENGTH && !LONE_SURROGATE.test(value)) return value;
  return copyOf(cutText(value, MAX_LABEL_LENGTH).replaceAll(LONE_SURROGATES, "\ufffd"));
}

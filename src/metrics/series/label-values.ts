import { copyOf } from "../../bytes/copy-string.js";
import { cutText } from "../../errors/cut-text.js";

/** The value of a label. Numbers are formatted when a series is created, not for each flow. */
export type LabelValue = string | number;

/** Maximum length of a label's value, in UTF-16 code units; a longer one is cut. */
export const MAX_LABEL_LENGTH = 1024;

const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * The value that a series gets: cut to {@link MAX_LABEL_LENGTH}, with U+FFFD for surrogates without partner, which would
 * become it when they are encoded as UTF-8. Two values that are printed alike therefore share a series.
 */
export function cleanLabel(value: LabelValue): LabelValue {
  return typeof value === "number"
    ? value
    : copyOf(cutText(value, MAX_LABEL_LENGTH).replaceAll(LONE_SURROGATE, "\ufffd"));
}

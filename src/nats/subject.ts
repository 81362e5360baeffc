import { checkArgument } from "../errors/check-argument.js";
import { aString } from "../errors/value-checks.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";

/** The subject of all events, or a function that returns the subject of an event. */
export type SubjectOf = string | ((event: EncodedEvent) => string);

/** Tokens without white space and wildcards, separated by dots. */
const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;

/** Longer subjects are refused; the control line of a message has 4,096 bytes by default. */
const MAX_SUBJECT_LENGTH = 1024;

/** Whether messages can be published to a subject. */
export function isSubject(text: unknown): text is string {
  return typeof text === "string" && text.length <= MAX_SUBJECT_LENGTH && SUBJECT.test(text);
}

/**
 * Makes one token of a subject from a name that may have dots, white space or wildcards, such as that of a node: each of
 * these characters becomes `_`, and so does an empty name.
 *
 * @example
 * ```ts
 * const subject = (event: EncodedEvent) => `hubble.flows.${subjectToken(event.node)}`;
 * ```
 */
export function subjectToken(name: string): string {
  checkArgument("subjectToken", "name", name, aString);
  // Control characters too: the protocol separates by white space, and other clients may reject the rest.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return name === "" ? "_" : name.replaceAll(/[\s.*>\u0000-\u001f\u007f]/g, "_");
}

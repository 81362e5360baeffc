/**
 * A regular expression that Go's `regexp`, or a limit of this package, rejects. The message is Go's where Go has one.
 */
export class RegexSyntaxError extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(`error parsing regexp: ${detail}`, options);
    this.name = "RegexSyntaxError";
  }
}

/** A regular expression that exceeds a limit of this package; Go may accept it. */
export class RegexLimitError extends RegexSyntaxError {}

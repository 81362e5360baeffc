/** Output for stdout and stderr, of which usually one is empty. Consists of whole lines, each with its line feed. */
export interface PrintedText {
  readonly out: string;
  readonly err: string;
}

export const NOTHING: PrintedText = { out: "", err: "" };

export function toOut(text: string): PrintedText {
  return { out: text, err: "" };
}

export function toErr(text: string): PrintedText {
  return { out: "", err: text };
}

/** Text for the two streams of a program, of which mostly one is empty; whole lines, each with its end. */
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

import { cutMiddle } from "./cut-text.js";
import type { Issue } from "./errors.js";

/** So many UTF-16 code units of the beginning and of the end of a text are kept. */
const PATH = { head: 700, tail: 300 };
const MESSAGE = { head: 3000, tail: 1000 };

/** An issue that stays readable whatever it quotes: the middle of a very long path or message gives way to `…`. */
export function issueOf(path: string, message: string): Issue {
  return {
    path: cutMiddle(path, PATH.head, PATH.tail),
    message: cutMiddle(message, MESSAGE.head, MESSAGE.tail),
  };
}

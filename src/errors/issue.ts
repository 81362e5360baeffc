import { cutMiddle } from "./cut-text.js";
import type { Issue } from "./errors.js";

/** UTF-16 code units to keep of the beginning and the end of a string. */
const PATH = { head: 700, tail: 300 };
const MESSAGE = { head: 3000, tail: 1000 };

/** Creates an issue of bounded length: the middle of a very long path or message is replaced by `…`. */
export function issueOf(path: string, message: string): Issue {
  return {
    path: cutMiddle(path, PATH.head, PATH.tail),
    message: cutMiddle(message, MESSAGE.head, MESSAGE.tail),
  };
}

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Part } from "./protocol.js";

/** A part and the position of its file in the list of paths: a path may occur more than once. */
export interface FilePart {
  readonly file: number;
  readonly part: Part;
}

const GZIP = [0x1f, 0x8b];

/** Divides files into parts, in order. A file is opened when its first part is needed. */
export class PartList {
  readonly #paths: readonly string[];
  readonly #partBytes: number;
  #file = -1;
  #rest: Generator<Part, void, undefined> = partsOf("", 0, 1);

  constructor(paths: readonly string[], partBytes: number) {
    this.#paths = paths;
    this.#partBytes = partBytes;
  }

  next(): FilePart | undefined {
    for (;;) {
      const { value: part } = this.#rest.next();
      if (part !== undefined) return { file: this.#file, part };
      const path = this.#paths[++this.#file];
      if (path === undefined) return undefined;
      this.#rest = divide(path, this.#partBytes);
    }
  }

  /** Leaves out the remaining parts of a file. */
  skip(file: number): void {
    if (file === this.#file) this.#rest.return();
  }
}

/** A file that cannot be opened is one part: the worker reports the error when its turn comes. */
function divide(path: string, partBytes: number): Generator<Part, void, undefined> {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return wholeFile(path);
  }
  try {
    const stats = fstatSync(descriptor);
    const head = new Uint8Array(GZIP.length);
    if (!stats.isFile()) return wholeFile(path);
    readSync(descriptor, head, 0, head.length, 0);
    const isGzip = GZIP.every((byte, index) => head[index] === byte);
    return isGzip ? wholeFile(path, stats.size) : partsOf(path, stats.size, partBytes);
  } finally {
    closeSync(descriptor);
  }
}

function* wholeFile(path: string, size = 0): Generator<Part, void, undefined> {
  yield { path, start: 0, end: Number.POSITIVE_INFINITY, whole: true, size };
}

function* partsOf(path: string, size: number, partBytes: number): Generator<Part, void, undefined> {
  for (let start = 0; start < size; start += partBytes) {
    yield { path, start, end: Math.min(start + partBytes, size), whole: false, size };
  }
}

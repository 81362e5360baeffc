import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { Part } from "./protocol.js";

/** A part and the position of its file in the list of paths: a path may occur more than once. */
export interface FilePart {
  readonly file: number;
  readonly part: Part;
}

const GZIP = [0x1f, 0x8b];

/** Divides files into parts, in order. A file is opened when its first part is needed, and stays open until it is closed. */
export class PartList {
  readonly #paths: readonly string[];
  readonly #partBytes: number;
  /** Descriptors by the position of the file. */
  readonly #open = new Map<number, number>();
  #file = -1;
  #rest: Generator<Part, void, undefined> = partsOf({ path: "" }, 0, 1);

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
      this.#rest = this.#divide(path);
    }
  }

  /** Leaves out the remaining parts of a file. */
  skip(file: number): void {
    if (file === this.#file) this.#rest.return();
  }

  /** Closes the files before a position. No worker may read them any more. */
  closeBefore(file: number): void {
    for (const [position, descriptor] of this.#open) {
      if (position >= file) continue;
      this.#open.delete(position);
      closeSync(descriptor);
    }
  }

  /** A file that cannot be opened is one part: the worker reports the error when its turn comes. */
  #divide(path: string): Generator<Part, void, undefined> {
    try {
      // Opening a named pipe would wait for its writer.
      if (!statSync(path).isFile()) return wholeFile({ path });
      const descriptor = openSync(path, "r");
      this.#open.set(this.#file, descriptor);
      const { size } = fstatSync(descriptor);
      const head = new Uint8Array(GZIP.length);
      readSync(descriptor, head, 0, head.length, 0);
      const isGzip = GZIP.every((byte, index) => head[index] === byte);
      const source = { path, descriptor };
      return isGzip ? wholeFile(source, size) : partsOf(source, size, this.#partBytes);
    } catch {
      return wholeFile({ path });
    }
  }
}

type PartSource = Pick<Part, "path" | "descriptor">;

function* wholeFile(source: PartSource, size = 0): Generator<Part, void, undefined> {
  yield { ...source, start: 0, end: Number.POSITIVE_INFINITY, whole: true, size };
}

function* partsOf(source: PartSource, size: number, partBytes: number): Generator<Part, void, undefined> {
  for (let start = 0; start < size; start += partBytes) {
    yield { ...source, start, end: Math.min(start + partBytes, size), whole: false, size };
  }
}

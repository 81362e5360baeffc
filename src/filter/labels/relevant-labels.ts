import { STABLE_LENGTH } from "../../go/sort.js";
import type { StringCache } from "../../message/wire/string-cache.js";
import { ANY_SOURCE } from "./label.js";
import type { LabelRequirement } from "./requirement.js";

/** Whether no requirement refers to an encoded label, so that it need not be decoded. */
export type IgnoresLabel = (bytes: Uint8Array, start: number, length: number) => boolean;

/**
 * Compiles the requirements of a field. Only labels of the source `k8s`, by far the most frequent, are ever ignored.
 */
export function compileIgnoresLabel(requirements: readonly LabelRequirement[]): IgnoresLabel {
  const keys = [...new Set(requirements.filter(mayMatchKubernetes).map(({ key }) => key))].map(toPattern);
  return (bytes, start, length) => {
    if (length <= SOURCE_LENGTH) return false;
    if (bytes[start] !== 0x6b || bytes[start + 1] !== 0x38) return false;
    if (bytes[start + 2] !== 0x73 || bytes[start + 3] !== 0x3a) return false;
    const from = start + SOURCE_LENGTH;
    const end = start + length;
    for (let index = 0; index < keys.length; index++) {
      const { size, first, last } = keys[index]!;
      const after = from + size;
      if (after < end ? bytes[after] !== EQUALS : after > end) continue;
      if (bytes[from] === first && bytes[after - 1] === last) return false;
    }
    return true;
  };
}

function mayMatchKubernetes({ source }: LabelRequirement): boolean {
  return source === ANY_SOURCE || source === "k8s";
}

/** What is compared of a key. A label that only resembles it is decoded, and does not match. */
interface KeyPattern {
  /** In bytes. */
  readonly size: number;
  readonly first: number;
  readonly last: number;
}

function toPattern(key: string): KeyPattern {
  const bytes = new TextEncoder().encode(key);
  return { size: bytes.length, first: bytes[0]!, last: bytes.at(-1)! };
}

const EQUALS = 0x3d;
/** Of `k8s:`. */
const SOURCE_LENGTH = 4;

/** Stands for an ignored label: no requirement has an empty key. */
const IGNORED = "";

/** Reads the labels of an encoded flow. Those that are ignored become empty strings. */
export class RelevantLabels {
  readonly #strings: StringCache;
  readonly #ignores: IgnoresLabel;
  #count = 0;
  #read = 0;

  constructor(strings: StringCache, ignores: IgnoresLabel) {
    this.#strings = strings;
    this.#ignores = ignores;
  }

  read(bytes: Uint8Array, at: number, length: number): string {
    this.#count++;
    if (this.#ignores(bytes, at, length)) return IGNORED;
    this.#read++;
    return this.#strings.read(bytes, at, length);
  }

  /** Begins with the next list. */
  reset(): void {
    this.#count = 0;
    this.#read = 0;
  }

  /**
   * Whether the labels that were ignored decide nothing. If several labels of a long list have the same key, Cilium's choice
   * depends on the other labels, because its sort is not stable.
   */
  get suffice(): boolean {
    return this.#count <= STABLE_LENGTH || this.#read < 2;
  }
}

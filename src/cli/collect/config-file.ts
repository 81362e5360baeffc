import { readFile } from "node:fs/promises";
import { messageOf } from "../../errors/message.js";
import { UsageError } from "../error-text.js";

/** A configuration file that was parsed. */
export interface ConfigFile {
  readonly value: unknown;
  /** Where the value with a path is, such as `outputs[0].file`: `line:column`, or that of the value which it is missing in. */
  placeOf(path: string): string;
}

/**
 * Reads a configuration file in YAML, of which JSON is a part.
 *
 * @throws UsageError if it cannot be read or parsed, with each fault in a line of its own.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new UsageError(`read ${path}: ${messageOf(cause)}`, { cause });
  }
  return parseConfig(path, text);
}

/** @throws UsageError with each fault in a line of its own: `path:line:column: message`. */
export async function parseConfig(path: string, text: string): Promise<ConfigFile> {
  const { LineCounter, parseDocument } = await importYaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const faults = document.errors.map(({ pos, message }) => `${path}:${placeAt(pos[0])}: ${message}`);
    throw new UsageError(faults.join("\n"));
  }
  let value: unknown;
  try {
    // Aliases are bounded: a small file cannot become a large value.
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new UsageError(`${path}: ${messageOf(cause)}`, { cause });
  }
  return {
    value,
    placeOf(valuePath) {
      const keys = keysOf(valuePath);
      for (let length = keys.length; length >= 0; length--) {
        const node = document.getIn(keys.slice(0, length), true);
        if (hasRange(node)) return placeAt(node.range[0]);
      }
      return "1:1";
    },
  };
}

async function importYaml() {
  try {
    return await import("yaml");
  } catch (cause) {
    throw new UsageError("configuration files need the package yaml: npm install yaml", { cause });
  }
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

/** `outputs[0].file.path` → `["outputs", 0, "file", "path"]`. */
function keysOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([text, index]) =>
    index === undefined ? text : Number(index),
  );
}

import { existsSync, statSync } from "node:fs";
import { join, parse } from "node:path";
import type { OutputTarget } from "./output-options.js";

/** The number of the next file: the first whose name is free. A restart must not lose the packets of a trigger. */
export function nextFile(target: OutputTarget, before: number): number {
  let number = before + 1;
  if (target.kind !== "file" || target.overwrite || isSpecial(target.path)) return number;
  while (existsSync(numberedPath(target.path, number))) number++;
  return number;
}

/** All captures go to the same pipe or device. */
export function numbered(target: OutputTarget, number: number): OutputTarget {
  if (target.kind !== "file" || isSpecial(target.path)) return target;
  return { ...target, path: numberedPath(target.path, number) };
}

function isSpecial(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile();
}

/** `drop.pcapng`, `drop-2.pcapng`, … */
function numberedPath(path: string, number: number): string {
  if (number === 1) return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-${number}${ext}`);
}

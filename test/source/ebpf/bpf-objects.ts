import { readdirSync, readFileSync } from "node:fs";
import { run } from "../../support/run.js";

/** What the kernel has for a process: `prog 12`, `map 7`, `link 3`. */
export type BpfObjects = ReadonlySet<string>;

/** The programs, maps and links that a process has descriptors of. */
export function objectsOf(pid: number | "self"): BpfObjects {
  const objects = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fdinfo`)) {
    for (const [, kind, id] of infoOf(pid, descriptor).matchAll(/^(prog|map|link)_id:\s*(\d+)$/gm)) {
      objects.add(`${kind} ${id}`);
    }
  }
  return objects;
}

function infoOf(pid: number | "self", descriptor: string): string {
  try {
    return readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "latin1");
  } catch {
    return "";
  }
}

/** All that there are, as bpftool lists them. */
export function allObjects(): BpfObjects {
  return new Set(
    ["prog", "map", "link"].flatMap((kind) => {
      const listed = JSON.parse(run("bpftool", ["-j", kind, "show"])) as readonly { readonly id: number }[];
      return listed.map(({ id }) => `${kind} ${id}`);
    }),
  );
}

/** Those of `objects` that there still are. */
export function remaining(objects: BpfObjects): readonly string[] {
  const all = allObjects();
  return [...objects].filter((object) => all.has(object));
}

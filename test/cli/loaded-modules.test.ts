import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../support/run.js";

const DIST = join(repository, "dist");

// A command must start quickly: modules that only some command lines need are imported on demand.
test("flowscribe record: starts without loading flow filters, regular expressions, the flow decoder and the RPC client", () => {
  const loaded = [...staticImports(join(DIST, "cli/record/command.js"))];
  expect(loaded).toContain("recorder/recording.js");
  expect(loaded.filter((path) => /^(filter\/(compile|regex)|packet\/flow|rpc\/client)/.test(path))).toEqual(
    [],
  );
});

/** The files that a file of dist imports statically, itself included, relative to dist. */
function staticImports(file: string, found = new Set<string>()): Set<string> {
  found.add(relative(DIST, file));
  for (const [, path = ""] of readFileSync(file, "utf8").matchAll(
    /^(?:im|ex)port\b[^;]*?\bfrom "(\.[^"]+)"/gm,
  )) {
    const imported = resolve(dirname(file), path);
    if (!found.has(relative(DIST, imported))) staticImports(imported, found);
  }
  return found;
}

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findImportFaults, LEVELS, WITHIN_LEVEL } from "../../tools/lint-imports.js";
import { repository } from "../support/run.js";

const SRC = join(repository, "src");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-imports-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, ...lines: string[]): void {
  const file = join(folder, "src", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join("\n"));
}

describe("findImportFaults", () => {
  test("finds no fault in src", () => {
    expect(findImportFaults(SRC)).toEqual([]);
  });

  test.each([
    { how: "a value", line: 'import { f } from "../filter/f.js";' },
    { how: "a type", line: 'import type { F } from "../filter/f.js";' },
    { how: "a re-export", line: 'export { f } from "../filter/f.js";' },
    { how: "a dynamic import", line: 'const f = await import("../filter/f.js");' },
  ])("reports a higher module imported: $how", ({ line }) => {
    write("packet/p.ts", "const a = 1;", line);
    expect(findImportFaults(join(folder, "src"))).toEqual([
      "src/packet/p.ts:2 imports the module filter: packet may import only " +
        "errors, go, async, bytes, gen, net, hubble, message, regex",
    ]);
  });

  test("reports a module of the same level that is not named", () => {
    write("packet/p.ts", 'import "../cel/c.js";');
    write("async/a.ts", 'import "../errors/e.js";', 'import "../go/g.js";');
    expect(findImportFaults(join(folder, "src"))).toEqual([
      "src/async/a.ts:2 imports the module go: async may import only errors",
      expect.stringContaining("src/packet/p.ts:1 imports the module cel"),
    ]);
  });

  test("reports an entry point imported by a module; entry points import everything", () => {
    write("index.ts", 'export * from "./rpc/index.js";');
    write("net/n.ts", 'import "../index.js";');
    expect(findImportFaults(join(folder, "src"))).toEqual([
      "src/net/n.ts:1 imports an entry point: net may import only errors, go",
    ]);
  });

  test("reports a module without a level", () => {
    write("attic/a.ts", 'import "../net/n.js";');
    expect(() => findImportFaults(join(folder, "src"))).toThrow("add the module attic to LEVELS");
  });
});

test("LEVELS: has exactly the modules, each once", () => {
  const modules = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(LEVELS.flat().sort()).toEqual(modules.map(({ name }) => name).sort());
});

test("docs/architecture.md: has the level of every module, and the exceptions", () => {
  const page = readFileSync(join(repository, "docs/architecture.md"), "utf8");
  const rows = [...page.matchAll(/^\| (\d) +\| `(\w+)\/`/gm)].map(([, level, name]) => [
    name,
    Number(level) - 1,
  ]);
  expect(rows).toEqual(LEVELS.flatMap((names, level) => names.map((name) => [name, level])));
  for (const pair of WITHIN_LEVEL) expect(page).toContain(`\`${pair}\``);
});

test("WITHIN_LEVEL: names pairs of one level only, in one direction", () => {
  for (const pair of WITHIN_LEVEL) {
    const [from = "", to = ""] = pair.split(" → ");
    expect(LEVELS.find((names) => names.includes(from))).toContain(to);
    expect(WITHIN_LEVEL).not.toContain(`${to} → ${from}`);
  }
});

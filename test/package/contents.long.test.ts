import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundledFiles } from "../support/bundle.js";
import { filesBelow, npm } from "../support/packed-package.js";
import { repository } from "../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-contents-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Packed {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const [packed] = JSON.parse(
  npm(["pack", "--dry-run", "--json", "--ignore-scripts"], repository, folder),
) as Packed[];
const paths = packed?.files.map(({ path }) => path) ?? [];
const read = (path: string) => readFileSync(join(repository, path), "utf8");

describe("npm pack", () => {
  test("packs exactly these entries at the top level", () => {
    expect([...new Set(paths.map((path) => path.split("/")[0]))].sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist",
      "docs",
      "examples",
      "package.json",
      "proto",
      "src",
    ]);
  });

  test.each([
    ["dist", /\.(js|js\.map|d\.ts|d\.ts\.map)$|^dist\/THIRD-PARTY-NOTICES\.txt$/],
    ["docs", /^docs\/([a-z-]+\.md|benchmarks\/[a-z-]+(-\d)?\.svg)$/],
    ["examples", /^examples\/(\d\d-[a-z-]+\.ts|captures\/(README\.md|sample\.pcap|sample\.pcapng))$/],
    ["proto", /\.proto$/],
    ["src", /(?<!\.test)\.ts$/],
  ])("packs only user-facing files from %s", (entry, wanted) => {
    const packedFiles = paths.filter((path) => path.startsWith(`${entry}/`));
    expect(packedFiles.length).toBeGreaterThan(0);
    expect(packedFiles.filter((path) => !wanted.test(path))).toEqual([]);
  });

  test("packs the declarations of each source, the bundle, and no output of a removed source", () => {
    // The program has no declarations.
    const sources = filesBelow(join(repository, "src")).filter((path) => /^(?!cli\/).*\.ts$/.test(path));
    const outputs = [
      ...sources.flatMap((path) =>
        [".d.ts", ".d.ts.map"].map((end) => `dist/${path.slice(0, -".ts".length)}${end}`),
      ),
      ...Object.keys(bundledFiles()).map((path) => `dist/${path}`),
      // Files that only re-export have none.
      ...Object.keys(bundledFiles())
        .map((path) => `dist/${path}.map`)
        .filter((path) => existsSync(join(repository, path))),
      "dist/THIRD-PARTY-NOTICES.txt",
    ];
    expect(paths.filter((path) => path.startsWith("dist/")).sort()).toEqual(outputs.sort());
  });

  test("packs every source that a source map or a declaration map references", () => {
    const maps = paths.filter((path) => path.endsWith(".map"));
    const missing = maps.flatMap((path) => {
      const { sources, sourceRoot = "" } = JSON.parse(read(path)) as {
        sources: string[];
        sourceRoot?: string;
      };
      return sources
        .map((source) => posix.join(dirname(path), sourceRoot, source))
        .filter(
          (source) => !paths.includes(source) && !/^(\.\.\/.*)?node_modules\/|^tools\/build\//.test(source),
        );
    });
    expect(maps.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  test("packs every file that a packed page links to", () => {
    const links = paths
      .filter((path) => path.endsWith(".md"))
      .flatMap((page) =>
        [...read(page).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, link = ""]) => ({
          page,
          target: posix.join(dirname(page), link),
        })),
      );
    const isPacked = (target: string) =>
      paths.some((path) => path === target || path.startsWith(`${target}/`));
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter(({ target }) => !isPacked(target.replace(/\/$/, "")))).toEqual([]);
  });

  test("packs a tarball of less than 3.6 MB", () => {
    expect(packed?.size).toBeLessThan(3_600_000);
  });

  test("packs every target of exports and bin", () => {
    const { exports, bin } = JSON.parse(read("package.json")) as {
      exports: Record<string, string | Record<string, string>>;
      bin: Record<string, string>;
    };
    const targets = [...Object.values(exports), bin].flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    expect(targets.filter((target) => !paths.includes(target.slice("./".length)))).toEqual([]);
    expect(existsSync(join(repository, "dist/index.js"))).toBe(true);
  });
});

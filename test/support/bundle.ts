import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./run.js";

/** A JavaScript file of dist/. Paths are relative: those of files to dist/, those of modules to the repository. */
export interface BundledFile {
  /** Files, and modules of packages and of Node, that are loaded with this file. */
  readonly imports: readonly string[];
  /** Those loaded later, if at all. */
  readonly dynamicImports: readonly string[];
  readonly modules: readonly string[];
}

/** All JavaScript files of dist/, by their path, as `npm run build` has listed them. */
export function bundledFiles(): Readonly<Record<string, BundledFile>> {
  return JSON.parse(readFileSync(join(repository, "dist/bundle.json"), "utf8"));
}

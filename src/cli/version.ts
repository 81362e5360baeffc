import { readFileSync } from "node:fs";

/** The version of this package. Its folder has the same relative path from `src` and from `dist`. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return version;
}

import { readFileSync } from "node:fs";

/** The version of this package; its folder is the same from `src` and from `dist`. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return version;
}

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository } from "./run.js";

const files = readdirSync(join(repository, "test"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts") && !file.endsWith(".long.test.ts"))
  .map((file) => join(repository, "test", file));
const sampling = files.filter((file) => /from ".*support\/amount\.js"/.test(readFileSync(file, "utf8")));

describe("amount, everyNth: files that sample", () => {
  test.each(sampling.map((file) => ({ file, name: file.slice(repository.length + 1) })))(
    "$name is run in full by the long tests",
    ({ file }) => {
      const twin = file.replace(/\.test\.ts$/, ".long.test.ts");
      expect(existsSync(twin)).toBe(true);
      const name = file.slice(file.lastIndexOf("/") + 1, -".ts".length);
      expect(readFileSync(twin, "utf8")).toContain(`import "./${name}.js";`);
    },
  );

  test("has found files", () => {
    expect(sampling.length).toBeGreaterThan(20);
  });
});

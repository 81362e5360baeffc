import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { minimatch } from "minimatch";
import { expect, test } from "vitest";
import { ISOLATED } from "../../vitest.config.js";
import { repository } from "./run.js";

test("ISOLATED: has every file that mocks a module, because all others share their modules", () => {
  const mocking = readdirSync(join(repository, "test"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts") && !file.endsWith(".long.test.ts"))
    .filter((file) => /\bvi\.(mock|doMock)\(/.test(readFileSync(join(repository, "test", file), "utf8")))
    .map((file) => `test/${file}`);
  expect(mocking.length).toBeGreaterThan(0);
  expect(mocking.filter((file) => !ISOLATED.some((pattern) => minimatch(file, pattern)))).toEqual([]);
});

test.each(ISOLATED)("ISOLATED: %s matches a file", (pattern) => {
  const files = readdirSync(join(repository, "test"), { recursive: true, encoding: "utf8" });
  expect(files.some((file) => minimatch(`test/${file}`, pattern))).toBe(true);
});

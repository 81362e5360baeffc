import { expect, test } from "vitest";
import { formatSkips } from "./skip-reporter.js";

test("formatSkips: prints each reason once with its count, most frequent first", () => {
  expect(formatSkips(["no tcpdump", "not running as root", "no tcpdump"])).toEqual([
    "",
    "Skipped:",
    "    2 × no tcpdump",
    "    1 × not running as root",
  ]);
});

test("formatSkips: prints nothing when nothing was skipped", () => {
  expect(formatSkips([])).toEqual([]);
});

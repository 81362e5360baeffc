import { expect, test } from "vitest";
import { parseRegex } from "../../src/regex/syntax.js";

test.each([
  { pattern: "abcdef", live: 2, size: 6 },
  { pattern: "aaaaaa", live: 6, size: 6 },
  { pattern: "ababab", live: 4, size: 6 },
  { pattern: "(?i)ababab", live: 4, size: 6 },
  { pattern: "(?i)abAbaB", live: 4, size: 6 },
  { pattern: "[ab]{6}", live: 6, size: 6 },
  { pattern: "[ab]{2,6}", live: 10, size: 10 },
  { pattern: "(abc)", live: 2, size: 3 },
  { pattern: "abc|abd|[x]yz", live: 8, size: 11 },
  { pattern: "a|b|[cd]", live: 1, size: 1 },
  { pattern: "^abc.*xyz$", live: 9, size: 11 },
  { pattern: "\\pL", live: 1, size: 65 },
  { pattern: "[\\pL\\p{Greek}]|a", live: 1, size: 129 },
  { pattern: "(?i)[\\x{100}-\\x{1fff}]", live: 1, size: 1 },
])(
  "parseRegex: $pattern has $size instructions, at most $live of them active at one position",
  ({ pattern, live, size }) => {
    const { root } = parseRegex(pattern);
    expect({ live: root.live, size: root.size }).toEqual({ live, size });
  },
);

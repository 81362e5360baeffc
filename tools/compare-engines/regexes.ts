import { RE2JS as BufRe2 } from "@bufbuild/re2";
import { RE2 } from "re2-wasm";
import { RE2JS } from "re2js";
import { compileRegex } from "../../src/regex/regex.js";
import { type Contest, installed } from "./engine.js";
import { REGEX_CASES } from "./regex-cases.js";

export const regexes: Contest = {
  title: "Regular expressions, as Go's regexp",
  cases: REGEX_CASES,
  canary: ["a+b", "aab", true],
  engines: [
    { name: "flowscribe compileRegex", compile: (pattern) => compileRegex(pattern) },
    {
      name: "flowscribe, no memo",
      compile: (pattern) => compileRegex(pattern, { memoEntries: 0 }),
    },
    {
      name: installed("re2js"),
      compile(pattern) {
        const compiled = RE2JS.compile(pattern);
        return (text) => compiled.test(text);
      },
    },
    {
      name: installed("@bufbuild/re2"),
      compile(pattern) {
        const compiled = new BufRe2(pattern);
        return (text) => compiled.test(text);
      },
    },
    {
      name: installed("re2-wasm"),
      compile(pattern) {
        const compiled = new RE2(pattern, "u");
        return (text) => compiled.test(text);
      },
    },
    {
      name: "RegExp (backtracks: unsafe)",
      compile(pattern) {
        const compiled = new RegExp(pattern, "u");
        return (text) => compiled.test(text);
      },
    },
  ],
  patternOf: (index) => `^/api/v${index}/(users|orders)/[0-9]+$`,
};

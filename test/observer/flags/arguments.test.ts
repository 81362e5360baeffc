import { describe, expect, test } from "vitest";
import { walkArguments } from "../../../src/observer/flags/arguments.js";
import type { Flag } from "../../../src/observer/flags/index.js";
import { faultOf } from "./faults.js";

const FLAGS: readonly Flag[] = [
  { name: "namespace", shorthand: "n", value: "string", help: "" },
  { name: "pod", value: "string", help: "" },
  { name: "follow", shorthand: "f", value: "boolean", help: "" },
  { name: "ipv4", shorthand: "4", value: "filter", bare: "v4", help: "" },
  { name: "colour", shorthand: "c", value: "string", bare: "always", help: "" },
  { name: "type", shorthand: "t", value: "string", help: "" },
];

function walk(args: readonly string[]) {
  const given: [string, string][] = [];
  const positionals = walkArguments(args, FLAGS, (flag, value) => {
    if (value === "bad") return "it is bad";
    given.push([flag.name, value]);
    return undefined;
  });
  return { given, positionals };
}

describe("walkArguments: flags and values", () => {
  test.each<{ args: string[]; given: [string, string][]; positionals?: string[] }>([
    { args: [], given: [] },
    { args: ["--pod", "a"], given: [["pod", "a"]] },
    { args: ["--pod=a"], given: [["pod", "a"]] },
    { args: ["--pod="], given: [["pod", ""]] },
    { args: ["--pod", ""], given: [["pod", ""]] },
    { args: ["--pod=a=b"], given: [["pod", "a=b"]] },
    { args: ["--pod", "--pod"], given: [["pod", "--pod"]] },
    { args: ["--pod", "--"], given: [["pod", "--"]] },
    { args: ["-n", "a"], given: [["namespace", "a"]] },
    { args: ["-na"], given: [["namespace", "a"]] },
    { args: ["-n=a"], given: [["namespace", "a"]] },
    { args: ["-n==a"], given: [["namespace", "=a"]] },
    { args: ["-n="], given: [["namespace", "="]] },
    { args: ["-n", "-f"], given: [["namespace", "-f"]] },
    { args: ["--follow"], given: [["follow", "true"]] },
    { args: ["--follow=false"], given: [["follow", "false"]] },
    { args: ["--follow="], given: [["follow", ""]] },
    { args: ["--follow", "false"], given: [["follow", "true"]], positionals: ["false"] },
    {
      args: ["-4f"],
      given: [
        ["ipv4", "v4"],
        ["follow", "true"],
      ],
    },
    {
      args: ["-f4n", "a", "b"],
      given: [
        ["follow", "true"],
        ["ipv4", "v4"],
        ["namespace", "a"],
      ],
      positionals: ["b"],
    },
    {
      args: ["-fna"],
      given: [
        ["follow", "true"],
        ["namespace", "a"],
      ],
    },
    { args: ["-4=x"], given: [["ipv4", "x"]] },
    { args: ["-c"], given: [["colour", "always"]] },
    { args: ["-c=never"], given: [["colour", "never"]] },
    {
      args: ["a", "--pod", "p", "-", "b", "--", "--pod", "c"],
      given: [["pod", "p"]],
      positionals: ["a", "-", "b", "--pod", "c"],
    },
    { args: ["--", "--"], given: [], positionals: ["--"] },
    { args: [""], given: [], positionals: [""] },
    { args: ["-test.v", "a"], given: [], positionals: ["a"] },
  ])("parses $args", ({ args, given, positionals = [] }) => {
    expect(walk(args)).toEqual({ given, positionals });
  });
});

describe("walkArguments: faults", () => {
  test.each<{ args: string[]; message: string; flag?: string }>([
    { args: ["--nope"], message: "unknown flag: --nope" },
    { args: ["--nope=1"], message: "unknown flag: --nope" },
    { args: ["--po"], message: "unknown flag: --po" },
    { args: ["--constructor"], message: "unknown flag: --constructor" },
    { args: ["---pod"], message: "bad flag syntax: ---pod" },
    { args: ["--=x"], message: "bad flag syntax: --=x" },
    { args: ["-x"], message: "unknown shorthand flag: 'x' in -x" },
    { args: ["-fxy"], message: "unknown shorthand flag: 'x' in -xy" },
    { args: ["-'"], message: "unknown shorthand flag: '\\'' in -'" },
    { args: ["-é"], message: "unknown shorthand flag: 'Ã' in -é" },
    { args: ["-4="], message: "unknown shorthand flag: '=' in -=" },
    { args: ["-pod"], message: "unknown shorthand flag: 'p' in -pod" },
    { args: ["--help"], message: "pflag: help requested" },
    { args: ["-fh"], message: "pflag: help requested" },
    { args: ["--pod"], message: "flag needs an argument: --pod", flag: "pod" },
    { args: ["-n"], message: "flag needs an argument: 'n' in -n", flag: "namespace" },
    { args: ["-fn"], message: "flag needs an argument: 'n' in -n", flag: "namespace" },
    {
      args: ["--pod", "bad", "--nope"],
      message: 'invalid argument "bad" for "--pod" flag: it is bad',
      flag: "pod",
    },
    {
      args: ["-nbad"],
      message: 'invalid argument "bad" for "-n, --namespace" flag: it is bad',
      flag: "namespace",
    },
  ])("rejects $args", ({ args, message, flag }) => {
    const error = faultOf(() => walk(args));
    expect(error.message).toBe(message);
    expect(error.flag).toBe(flag);
  });
});

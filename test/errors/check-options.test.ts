import { describe, expect, test } from "vitest";
import { checkArgument } from "../../src/errors/check-argument.js";
import { checkOptions, type OptionTable, optionIssues, optionsOf } from "../../src/errors/check-options.js";
import { FlowscribeError, OptionsError } from "../../src/errors/errors.js";
import {
  aBoolean,
  aDate,
  aFunction,
  aListOf,
  aNumberFrom,
  anInteger,
  aPositiveNumber,
  aSignal,
  aString,
  checkedElsewhere,
  either,
  oneOf,
  required,
  withMethods,
} from "../../src/errors/value-checks.js";

interface Rotation {
  readonly maxBytes?: number;
}

interface Options {
  readonly format: "pcap" | "pcapng";
  readonly maxFileBytes?: number;
  readonly compress?: boolean;
  readonly rotation?: Rotation;
  readonly onError?: (error: Error) => void;
  readonly names?: readonly string[];
  readonly clock?: { now(): number };
  readonly end?: Date;
  readonly reconnect?: boolean | Rotation;
  readonly include?: readonly object[];
  readonly signal?: AbortSignal;
}

const ROTATION: OptionTable<Rotation> = { maxBytes: aPositiveNumber };

const OPTIONS: OptionTable<Options> = {
  format: required(oneOf("pcap", "pcapng")),
  maxFileBytes: anInteger(0, 100),
  compress: aBoolean,
  rotation: optionsOf("rotation", ROTATION),
  onError: aFunction,
  names: aListOf(aString),
  clock: withMethods<{ now(): number }>("a clock", "now"),
  end: aDate,
  reconnect: either((value) => typeof value === "boolean", aBoolean, optionsOf("reconnect", ROTATION)),
  include: checkedElsewhere,
  signal: aSignal,
};

const issuesOf = (options: unknown) =>
  // Any value, as an untyped caller may pass.
  optionIssues("openThing", options as Options, OPTIONS).map(({ path, message }) => `${path}: ${message}`);

const GOOD: Options = {
  format: "pcap",
  maxFileBytes: 100,
  compress: false,
  rotation: { maxBytes: Number.POSITIVE_INFINITY },
  onError: () => {},
  names: ["a"],
  clock: { now: () => 0 },
  end: new Date(0),
  reconnect: { maxBytes: 1 },
  include: [],
  signal: new AbortController().signal,
};

test("checkOptions: accepts options of the right types, and undefined for optional ones", () => {
  expect(issuesOf(GOOD)).toEqual([]);
  expect(issuesOf({ ...GOOD, maxFileBytes: undefined, rotation: undefined })).toEqual([]);
  expect(issuesOf({ format: "pcapng" })).toEqual([]);
});

describe("optionIssues", () => {
  test.each([
    { options: null, issue: "options: must be an object, not null" },
    { options: "x", issue: 'options: must be an object, not "x"' },
    { options: 5, issue: "options: must be an object, not 5" },
    { options: [], issue: "options: must be an object, not a list" },
    { options: () => {}, issue: "options: must be an object, not a function" },
  ])("reports $options instead of an object", ({ options, issue }) => {
    expect(issuesOf(options)).toEqual([issue]);
  });

  test.each<{ option: Readonly<Record<string, unknown>>; issue: string | undefined }>([
    { option: { maxBytes: 1 }, issue: "maxBytes: not an option of openThing; did you mean maxFileBytes?" },
    { option: { compres: true }, issue: "compres: not an option of openThing; did you mean compress?" },
    {
      option: { max_file_bytes: 1 },
      issue: "max_file_bytes: not an option of openThing; did you mean maxFileBytes?",
    },
    {
      option: { nothing: undefined },
      issue: `nothing: not an option of openThing; known are ${Object.keys(OPTIONS).join(", ")}`,
    },
    {
      option: { constructor: 1 },
      issue: `constructor: not an option of openThing; known are ${Object.keys(OPTIONS).join(", ")}`,
    },
    { option: { format: undefined }, issue: "format: is required" },
    { option: { format: "zip" }, issue: 'format: must be one of pcap, pcapng, not "zip"' },
    { option: { format: null }, issue: "format: must be one of pcap, pcapng, not null" },
    { option: { maxFileBytes: "9" }, issue: 'maxFileBytes: must be an integer from 0 to 100, not "9"' },
    { option: { maxFileBytes: 1.5 }, issue: "maxFileBytes: must be an integer from 0 to 100, not 1.5" },
    { option: { maxFileBytes: 1n }, issue: "maxFileBytes: must be an integer from 0 to 100, not 1n" },
    { option: { maxFileBytes: 101 }, issue: "maxFileBytes: must be an integer from 0 to 100, not 101" },
    {
      option: { maxFileBytes: Number.NaN },
      issue: "maxFileBytes: must be an integer from 0 to 100, not NaN",
    },
    { option: { compress: "yes" }, issue: 'compress: must be true or false, not "yes"' },
    { option: { rotation: 5 }, issue: "rotation: must be an object, not 5" },
    { option: { rotation: { maxBytes: 0 } }, issue: "rotation.maxBytes: must be a number above 0, not 0" },
    {
      option: { rotation: { maxByte: 1 } },
      issue: "rotation.maxByte: not an option of rotation; did you mean maxBytes?",
    },
    { option: { onError: {} }, issue: "onError: must be a function, not an object" },
    { option: { names: "a" }, issue: 'names: must be a list, not "a"' },
    { option: { names: ["a", 1] }, issue: "names[1]: must be a string, not 1" },
    { option: { clock: {} }, issue: "clock: must be a clock, not an object" },
    { option: { clock: Date }, issue: undefined },
    { option: { end: "2020-01-01" }, issue: 'end: must be a valid Date, not "2020-01-01"' },
    { option: { end: new Date("never") }, issue: "end: must be a valid Date, not an object" },
    { option: { reconnect: 1 }, issue: "reconnect: must be an object, not 1" },
    { option: { signal: new AbortController() }, issue: "signal: must be an AbortSignal, not an object" },
  ])("reports $option", ({ option, issue }) => {
    expect(issuesOf({ ...GOOD, ...option })).toEqual(issue === undefined ? [] : [issue]);
  });

  test("reports a hole in a list", () => {
    expect(issuesOf({ ...GOOD, names: new Array(1) })).toEqual(["names[0]: must be a string, not undefined"]);
  });

  test("reports all issues", () => {
    expect(issuesOf({ format: 1, compress: 1, x: 1 }).map((issue) => issue.split(":")[0])).toEqual([
      "x",
      "format",
      "compress",
    ]);
  });
});

test("checkOptions: throws one OptionsError with all issues", () => {
  const wrong = { format: "zip", compress: "no" } as unknown as Options;
  let thrown: unknown;
  try {
    checkOptions("openThing", wrong, OPTIONS);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(OptionsError);
  expect(thrown).toBeInstanceOf(FlowscribeError);
  expect(thrown).toMatchObject({
    code: "invalid_options",
    issues: [
      { path: "format", message: 'must be one of pcap, pcapng, not "zip"' },
      { path: "compress", message: 'must be true or false, not "no"' },
    ],
    message: 'format: must be one of pcap, pcapng, not "zip"\ncompress: must be true or false, not "no"',
  });
});

test("checkArgument: throws a TypeError that names the function and the argument", () => {
  expect(() => checkArgument("openThing", "path", "a", aString)).not.toThrow();
  // An untyped caller.
  const path = null as unknown as string;
  expect(() => checkArgument("openThing", "path", path, aString)).toThrow(
    new TypeError("openThing: path must be a string, not null"),
  );
});

test("aNumberFrom: accepts its lower bound", () => {
  const messages: string[] = [];
  for (const value of [0, 0.5, Number.POSITIVE_INFINITY, -1, Number.NaN, "0"]) {
    aNumberFrom(0)(value, String(value), (path) => messages.push(path));
  }
  expect(messages).toEqual(["-1", "NaN", "0"]);
});

test("OptionTable: does not compile with a missing, unknown, or mistyped row", () => {
  // @ts-expect-error A row is missing.
  const missing: OptionTable<{ a?: string; b?: string }> = { a: aString };
  // @ts-expect-error The option b is unknown.
  const unknown: OptionTable<{ a?: string }> = { a: aString, b: aString };
  // @ts-expect-error The check would reject every valid value.
  const mistyped: OptionTable<{ a?: string }> = { a: aBoolean };
  // @ts-expect-error The check would reject a valid value.
  const incomplete: OptionTable<{ a?: "x" | "y" }> = { a: oneOf("x") };
  // @ts-expect-error The option is required.
  const optional: OptionTable<{ a: string }> = { a: aString };
  expect([missing, unknown, mistyped, incomplete, optional]).toHaveLength(5);
});

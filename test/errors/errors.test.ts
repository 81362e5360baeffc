import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import {
  CaptureError,
  ConfigurationError,
  ERROR_CODES,
  type ErrorCode,
  FilterError,
  FlowscribeError,
  type Issue,
} from "../../src/errors/errors.js";

describe("error classes", () => {
  const cause = new Error("the reason");
  test.each<{ error: FlowscribeError; name: string; code: ErrorCode; message: string; classes: unknown[] }>([
    {
      error: new FlowscribeError("sink_failed", "no space", { cause }),
      name: "FlowscribeError",
      code: "sink_failed",
      message: "no space",
      classes: [Error, FlowscribeError],
    },
    {
      error: new ConfigurationError("invalid_recording", [{ path: "a", message: "b" }]),
      name: "ConfigurationError",
      code: "invalid_recording",
      message: "a: b",
      classes: [Error, FlowscribeError, ConfigurationError],
    },
    {
      error: new FilterError([{ path: "include[0]", message: "bad" }]),
      name: "FilterError",
      code: "invalid_filter",
      message: "include[0]: bad",
      classes: [Error, FlowscribeError, ConfigurationError, FilterError],
    },
    {
      error: new CaptureError("malformed_capture", 24, "a record is too long"),
      name: "CaptureError",
      code: "malformed_capture",
      message: "a record is too long (at byte 24)",
      classes: [Error, FlowscribeError, CaptureError],
    },
  ])(
    "$name has the documented name, code, message and base classes",
    ({ error, name, code, message, classes }) => {
      expect(error.name).toBe(name);
      expect(error.code).toBe(code);
      expect(error.message).toBe(message);
      for (const expected of classes) expect(error).toBeInstanceOf(expected);
      expect(String(error)).toBe(`${name}: ${message}`);
      expect(error.stack).toContain("errors.test.ts");
    },
  );

  test("FlowscribeError: keeps a foreign error as the cause", () => {
    expect(new FlowscribeError("sink_failed", "no space", { cause }).cause).toBe(cause);
    expect("cause" in new FlowscribeError("sink_failed", "no space")).toBe(false);
  });

  test("CaptureError: contains the byte offset", () => {
    expect(new CaptureError("truncated_capture", 2 ** 40, "cut").offset).toBe(2 ** 40);
  });

  test("CaptureError: contains the file name once it is known", () => {
    const error = new CaptureError("truncated_capture", 24, "cut").inFile("x/y.pcap");
    expect(error).toMatchObject({ code: "truncated_capture", offset: 24, path: "x/y.pcap" });
    expect(error.message).toBe("x/y.pcap: cut (at byte 24)");
  });
});

describe("ConfigurationError: issues", () => {
  test.each<{ name: string; issues: Issue[]; message: string }>([
    { name: "no issues", issues: [], message: "" },
    {
      name: "one issue with a path",
      issues: [{ path: "include[1].protocol", message: "no" }],
      message: "include[1].protocol: no",
    },
    { name: "one issue without a path", issues: [{ path: "", message: "no" }], message: "no" },
    {
      name: "a line for each issue, in order",
      issues: [
        { path: "z", message: "1" },
        { path: "", message: "2" },
        { path: "a", message: "3" },
      ],
      message: "z: 1\n2\na: 3",
    },
  ])("formats $name", ({ issues, message }) => {
    const error = new ConfigurationError("invalid_filter", issues);
    expect(error.message).toBe(message);
    expect(error.issues).toEqual(issues);
  });
});

describe("ERROR_CODES", () => {
  test("are unique and in snake_case", () => {
    for (const code of ERROR_CODES) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
  });

  test("are the headings of docs/errors.md", () => {
    const path = resolve(import.meta.dirname, "../../docs/errors.md");
    expect(existsSync(path), `${path} exists`).toBe(true);
    const headings = readFileSync(path, "utf8").matchAll(/^## `([^`]*)`\s*$/gm);
    expect([...headings].map(([, code]) => code).sort()).toEqual([...ERROR_CODES].sort());
  });
});

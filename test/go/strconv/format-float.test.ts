import { describe, expect, test } from "vitest";
import { formatFixed2, formatFloatG } from "../../../src/go/strconv/format-float.js";

describe("formatFloatG", () => {
  test.each([
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [123.456, "123.456"],
    [-4.5e-3, "-0.0045"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [0.0000123, "1.23e-05"],
    [100000, "100000"],
    [999999.5, "999999.5"],
    [1000000, "1e+06"],
    [-1234567, "-1.234567e+06"],
    [123456789, "1.23456789e+08"],
    [1e20, "1e+20"],
    [1e21, "1e+21"],
    [1.5e100, "1.5e+100"],
    [5e-324, "5e-324"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ])("formats %d as %s", (value, text) => {
    expect(formatFloatG(value)).toBe(text);
  });
});

test.each([
  [0, "0.00"],
  [0.125, "0.12"],
  [0.375, "0.38"],
  [2.625, "2.62"],
  [0.875, "0.88"],
  [1.005, "1.00"],
  [26.415, "26.41"],
  [1e21, "1000000000000000000000.00"],
  [Number.POSITIVE_INFINITY, "+Inf"],
])("formatFixed2: formats %f as %s", (value, expected) => {
  expect(formatFixed2(value)).toBe(expected);
});

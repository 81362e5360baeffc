import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLabel } from "../../../src/filter/labels/index.js";
import { parseInt64 } from "../../../src/go/parse-int.js";

describe("parseLabel", () => {
  test.each([
    { text: "k8s:app=web", source: "k8s", key: "app", value: "web" },
    { text: "k8s:app", source: "k8s", key: "app", value: "" },
    { text: "k8s:app=", source: "k8s", key: "app", value: "" },
    { text: "k8s:app=a=b", source: "k8s", key: "app", value: "a=b" },
    { text: "k8s:app:x=b", source: "k8s", key: "app:x", value: "b" },
    { text: "K8S:app=web", source: "K8S", key: "app", value: "web" },
    { text: "app=web", source: "unspec", key: "app", value: "web" },
    { text: "app", source: "unspec", key: "app", value: "" },
    { text: "", source: "unspec", key: "", value: "" },
    { text: "=web", source: "unspec", key: "", value: "web" },
    { text: ":app=web", source: "unspec", key: "app", value: "web" },
    { text: ":", source: "unspec", key: "", value: "" },
    { text: "::app", source: "unspec", key: ":app", value: "" },
    { text: "app=a:b", source: "app=a", key: "b", value: "" },
    { text: "app=a:b=c", source: "app=a", key: "b", value: "c" },
    { text: " k8s:app=web", source: " k8s", key: "app", value: "web" },
    { text: "reserved:host", source: "reserved", key: "host", value: "" },
    { text: "reserved:host=x", source: "reserved", key: "host", value: "x" },
    { text: "reserved:=host", source: "reserved", key: "host", value: "" },
    { text: "reserved:=host=x", source: "reserved", key: "host=x", value: "" },
    { text: "reserved.host", source: "reserved", key: "host", value: "" },
    { text: "reserved.=host", source: "reserved", key: "host", value: "" },
    { text: "reserved.host:x", source: "reserved.host", key: "x", value: "" },
    { text: "reserved.host=a:x", source: "reserved.host=a", key: "x", value: "" },
    { text: "reserved", source: "unspec", key: "reserved", value: "" },
    { text: "$host", source: "reserved", key: "host", value: "" },
    { text: "$=host", source: "reserved", key: "host", value: "" },
    { text: "$k8s:app=x", source: "reserved", key: "k8s:app", value: "x" },
    { text: "$", source: "reserved", key: "", value: "" },
    { text: "k8s:=x", source: "k8s", key: "", value: "x" },
    { text: "cidr:10.0.0.0/8", source: "cidr", key: "10.0.0.0/8", value: "" },
    { text: "unspec:app", source: "unspec", key: "app", value: "" },
    { text: "any:app=é", source: "any", key: "app", value: "é" },
  ])("reads $text", ({ text, source, key, value }) => {
    expect(parseLabel(text)).toEqual({ source, key, value });
  });
});

describe("parseInt64", () => {
  test.each<[string, bigint | undefined]>([
    ["0", 0n],
    ["007", 7n],
    ["-7", -7n],
    ["+7", 7n],
    ["-0", 0n],
    ["999999999999999", 999999999999999n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["9223372036854775808", undefined],
    ["-9223372036854775808", -(2n ** 63n)],
    ["-9223372036854775809", undefined],
    ["00000000000000000000000009223372036854775807", 2n ** 63n - 1n],
    ["99999999999999999999", undefined],
    ["", undefined],
    ["+", undefined],
    ["-", undefined],
    ["--1", undefined],
    [" 1", undefined],
    ["1 ", undefined],
    ["1_000", undefined],
    ["0x1", undefined],
    ["1.0", undefined],
    ["1e3", undefined],
    ["٣", undefined],
  ])("reads %j as %s", (text, value) => {
    const parsed = parseInt64(text);
    expect(parsed === undefined ? undefined : BigInt(parsed)).toBe(value);
  });

  test("reads every int64 and compares them as numbers do", () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(int64, int64, (left, right) => {
        expect((parseInt64(`${left}`) ?? 0) < (parseInt64(`${right}`) ?? 0)).toBe(left < right);
      }),
    );
  });

  test("is linear in a hostile number", () => {
    expect(parseInt64("1".repeat(1_000_000))).toBeUndefined();
    expect(parseInt64(`${"0".repeat(1_000_000)}1`)).toBe(1);
  });
});

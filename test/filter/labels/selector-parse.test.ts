import { describe, expect, test } from "vitest";
import { compileLabelSelector, LabelSelectorError } from "../../../src/filter/labels/index.js";
import { formatRequirement } from "../../../src/filter/labels/requirement.js";
import { translateSelector } from "../../../src/filter/labels/translate.js";
import { rulesOf } from "../../../src/hubble/version.js";

const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const badName = (key: string, detail = `name part ${NAME_RULE}`) =>
  `unable to parse requirement: <nil>: Invalid value: "${key}": ${detail}`;

describe("translateSelector", () => {
  test.each([
    ["", ""],
    ["app", "any.app"],
    ["k8s:app", "k8s.app"],
    ["k8s:app:x", "k8s.app:x"],
    ["k8s.app=x", "any.k8s.app=x"],
    ["!app", "!any.app"],
    ["! k8s:app", "! k8s.app"],
    [" app = x , k8s:b", " any.app = x , k8s.b"],
    ["app in (a,b),c", "any.app in (a,b),any.c"],
    ["app in ((a,b),c),d", "any.app in ((a,b),c),any.d"],
    ["app=a:b", "any.app=a:b"],
    ["app>k8s:2", "app>k8s.2"],
    ["app > 2", "any.app > 2"],
    ["(app", "any.(app"],
    [" ", " any."],
    [",", "any.,"],
    ["a,", "any.a,"],
    ["a, ", "any.a, any."],
    [":app", ".app"],
    ["\u00a0app", "\u00a0any.app"],
    ["\u0085app", "\u0085any.app"],
    ["\ufeffapp", "any.\ufeffapp"],
    ["app\u2003k8s:x", "any.app\u2003k8s:x"],
    ["$host", "any.$host"],
  ])("%j is %j", (selector, translated) => {
    expect(translateSelector(selector)).toBe(translated);
  });
});

describe("parseSelector: accepts", () => {
  test.each([
    ["", ""],
    ["app", "app"],
    ["any:app", "app"],
    ["unspec:app", "app"],
    ["k8s:app", "k8s:app"],
    ["!k8s:app", "!k8s:app"],
    ["! app", "!app"],
    ["app=web", "app=web"],
    ["app==web", "app==web"],
    ["app!=web", "app!=web"],
    ["app = web", "app=web"],
    ["app=", "app="],
    ["app=,b", "app=,b"],
    ["app in (b,a,b)", "app in (a,b)"],
    ["app notin (b, a)", "app notin (a,b)"],
    ["app in ()", "app in ()"],
    ["app in (,)", "app in ()"],
    ["app in (a,)", "app in (,a)"],
    ["app in (,a)", "app in (,a)"],
    ["app in (a,,b)", "app in (,a,b)"],
    ["app in (in,notin)", "app in (in,notin)"],
    ["in in (in)", "in in (in)"],
    ["in", "in"],
    ["notin=notin", "notin=notin"],
    ["app>2", "app>2"],
    ["app < 007", "app<007"],
    ["k8s:app>2", "k8s:app>2"],
    ["version>9223372036854775807", "version>9223372036854775807"],
    ["\tapp\r\n=\tweb\n", "app=web"],
    ["_app", "_app"],
    ["-app", "-app"],
    [".app", ".app"],
    ["x.y/z", "x.y/z"],
    ["k8s:io.kubernetes.pod.namespace=default", "k8s:io.kubernetes.pod.namespace=default"],
    ["k8s.app=x", "k8s.app=x"],
    ["cidr:10.0.0.0/8", "cidr:10.0.0.0/8"],
    ["cidr:foo", "cidr:foo"],
    ["b,a", "b,a"],
    ["app\0", "app"],
    ["app\0\0!!", "app"],
    ["app=\0web", "app=web"],
    // The NUL ends the selector before its source does: the key keeps no prefix.
    ["app>5\0\0:x", "app>5"],
    [`${"a".repeat(59)}=x`, `${"a".repeat(59)}=x`],
    [`app=${"x".repeat(63)}`, `app=${"x".repeat(63)}`],
  ])("%j reads as %j", (selector, text) => {
    expect(compileLabelSelector(selector).requirements.map(formatRequirement).join()).toBe(text);
  });

  test("separates requirements", () => {
    expect(compileLabelSelector("k8s:a in (y,x), !b").requirements).toEqual([
      { source: "k8s", key: "a", operator: "in", values: ["x", "y"] },
      { source: "any", key: "b", operator: "!", values: [] },
    ]);
  });
});

describe("parseSelector: rejects with Hubble's messages", () => {
  test.each([
    [" ", badName("any.")],
    [",", badName("any.")],
    ["!", badName("any.")],
    ["=x", badName("any.")],
    ["app,", "found '', expected: identifier after ','"],
    ["app, ", badName("any.")],
    ["app,=x", badName("any.")],
    ["app tier", "unable to parse requirement: found 'tier', expected: in, notin, =, ==, !=, gt, lt"],
    ["app !", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"],
    ["app)", "unable to parse requirement: found ')', expected: in, notin, =, ==, !=, gt, lt"],
    ["app=a b", "found 'b', expected: ',' or 'end of string'"],
    ["app=a=b", "found '=', expected: ',' or 'end of string'"],
    ["app in (a))", "found ')', expected: ',' or 'end of string'"],
    ["!app=a", "found '=', expected: ',' or 'end of string'"],
    ["!app in (a)", "found 'in', expected: ',' or 'end of string'"],
    ["app=frontend\0x", "found 'x', expected: ',' or 'end of string'"],
    ["!!app", "unable to parse requirement: found '!', expected: identifier"],
    ["app===x", "unable to parse requirement: found '=', expected: identifier"],
    ["app=!x", "unable to parse requirement: found '!', expected: identifier"],
    ["app<>1", "unable to parse requirement: found '>', expected: identifier"],
    ["app=(a)", "unable to parse requirement: found '(', expected: identifier"],
    ["app in", "unable to parse requirement: found '' expected: '('"],
    ["app in a)", "unable to parse requirement: found 'a' expected: '('"],
    ["app in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ["app in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ["app in ((a))", "unable to parse requirement: found '(', expected: ',', ')' or identifier"],
    ["app in (a", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["app in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"],
    ["app in (a=b)", "unable to parse requirement: found '=', expected: ',' or ')'"],
    ["app in (a,", "unable to parse requirement: found '', expected: ',', or identifier"],
    ["app in (,,)", "unable to parse requirement: found ')', expected: ',', or identifier"],
    ["app in (a,,)", "unable to parse requirement: found ')', expected: ',', or identifier"],
    ["app in (,=)", "unable to parse requirement: found '=', expected: ',', or identifier"],
    ["app_", badName("any.app_")],
    ["app.", badName("any.app.")],
    ["$host", badName("any.$host")],
    ["k8s:app:x", badName("k8s.app:x")],
    [":app", badName(".app")],
    ["\u00a0app", badName("\\u00a0any.app")],
    ["\u{1f600}", badName("any.\u{1f600}")],
    ["a/", badName("any.a/", `name part must be non-empty; name part ${NAME_RULE}`)],
    [
      "a/b/c",
      badName(
        "any.a/b/c",
        `a qualified name ${NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ),
    ],
    ["/a", badName("any./a", `prefix part ${SUBDOMAIN_RULE}`)],
    ["X/y", badName("any.X/y", `prefix part ${SUBDOMAIN_RULE}`)],
    ["k8s:App/x", badName("k8s.App/x", `prefix part ${SUBDOMAIN_RULE}`)],
    ["X/y_", badName("any.X/y_", `prefix part ${SUBDOMAIN_RULE}; name part ${NAME_RULE}`)],
    ["cidr:2001-db8--/32", badName("cidr.2001-db8--/32", `prefix part ${SUBDOMAIN_RULE}`)],
    [`${"a".repeat(60)}`, badName(`any.${"a".repeat(60)}`, "name part must be no more than 63 characters")],
    // Go counts bytes: 4 + 30 characters of two.
    [
      "é".repeat(30),
      badName(
        `any.${"é".repeat(30)}`,
        `name part must be no more than 63 characters; name part ${NAME_RULE}`,
      ),
    ],
    [
      `${"a".repeat(250)}/x`,
      badName(`any.${"a".repeat(250)}/x`, "prefix part must be no more than 253 characters"),
    ],
    ["app=-x", `unable to parse requirement: values[0][any.app]: Invalid value: "-x": ${VALUE_RULE}`],
    ["app=a:b", `unable to parse requirement: values[0][any.app]: Invalid value: "a:b": ${VALUE_RULE}`],
    ["app=é", `unable to parse requirement: values[0][any.app]: Invalid value: "é": ${VALUE_RULE}`],
    ["app=\x01", `unable to parse requirement: values[0][any.app]: Invalid value: "\\x01": ${VALUE_RULE}`],
    [
      `app=${"x".repeat(64)}`,
      `unable to parse requirement: values[0][any.app]: Invalid value: "${"x".repeat(64)}": must be no more than 63 characters`,
    ],
    [
      `app=${"x".repeat(63)}-`,
      `unable to parse requirement: values[0][any.app]: Invalid value: "${"x".repeat(63)}-": must be no more than 63 characters; ${VALUE_RULE}`,
    ],
    [
      "app in (z-,y,x-)",
      `unable to parse requirement: [values[0][any.app]: Invalid value: "x-": ${VALUE_RULE}, values[2][any.app]: Invalid value: "z-": ${VALUE_RULE}]`,
    ],
    [
      "app>x",
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [
      "app>",
      `unable to parse requirement: values[0]: Invalid value: "": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    ["app>-1", `unable to parse requirement: values[0][any.app]: Invalid value: "-1": ${VALUE_RULE}`],
    [
      "app>-x",
      `unable to parse requirement: [values[0]: Invalid value: "-x": for 'Gt', 'Lt' operators, the value must be an integer, values[0][any.app]: Invalid value: "-x": ${VALUE_RULE}]`,
    ],
    [
      "app>9223372036854775808",
      `unable to parse requirement: values[0]: Invalid value: "9223372036854775808": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ])("%j", (selector, message) => {
    expect(() => compileLabelSelector(selector)).toThrow(new LabelSelectorError(message));
  });
});

describe("parseSelector: the rules of 1.19", () => {
  const rules = rulesOf("1.19");

  test.each([
    ["app in ()", "app in ()"],
    ["app in (,)", "app in ()"],
    ["app in (,,)", "app in ()"],
    ["app in (, ,)", "app in ()"],
    ["app in (,,,)", "app in ()"],
    ["app in (a,)", "app in (,a)"],
    ["app in (a,,)", "app in (,a)"],
    ["app notin (a, , )", "app notin (,a)"],
    ["app in (a,,,,)", "app in (,a)"],
    ["app in (a,,b)", "app in (,a,b)"],
    ["app in (,,a)", "app in (,a)"],
    ["app in (a,,b,,), !c", "app in (,a,b),!c"],
  ])("%j reads as %j", (selector, text) => {
    expect(compileLabelSelector(selector, rules).requirements.map(formatRequirement).join()).toBe(text);
  });

  test.each([
    ["app in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"],
    ["app in (a,,", "unable to parse requirement: found '', expected: ',', or identifier"],
    ["app in (,,=)", "unable to parse requirement: found '=', expected: ',', or identifier"],
    ["a".repeat(60), badName(`any.${"a".repeat(60)}`, "name part must be no more than 63 bytes")],
    [
      `${"a".repeat(250)}/x`,
      badName(`any.${"a".repeat(250)}/x`, "prefix part must be no more than 253 bytes"),
    ],
    [
      "a/b/c",
      badName(
        "any.a/b/c",
        `a valid label key ${NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ),
    ],
    [
      `app=${"x".repeat(64)}`,
      `unable to parse requirement: values[0][any.app]: Invalid value: "${"x".repeat(64)}": must be no more than 63 bytes`,
    ],
  ])("%j is rejected", (selector, message) => {
    expect(() => compileLabelSelector(selector, rules)).toThrow(new LabelSelectorError(message));
  });
});

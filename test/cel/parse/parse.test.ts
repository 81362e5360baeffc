import { describe, expect, test } from "vitest";
import type { Expr } from "../../../src/cel/parse/ast.js";
import { parseCel } from "../../../src/cel/parse/parse.js";
import { celExpressions } from "../vectors.js";
import { errorOf, faultsOf } from "./faults.js";
import { outline } from "./outline.js";

describe("parseCel: expressions recorded with Hubble", () => {
  const PARSER_TEXTS =
    /Syntax error|reserved identifier|invalid \w+ literal|unsupported syntax|unable to unescape|invalid argument to has|simple name|not an identifier/;
  const all = [...celExpressions()];
  const failing = all.filter(([, faults]) => faults !== undefined && PARSER_TEXTS.test(faults));
  const passing = all.filter(([, faults]) => faults === undefined || !PARSER_TEXTS.test(faults));

  test("are many, valid and invalid", () => {
    expect(all.length).toBeGreaterThan(600);
    expect(failing.length).toBeGreaterThan(40);
  });

  test("parse when Hubble parses them", () => {
    expect(passing.filter(([expression]) => errorOf(expression) !== undefined)).toEqual([]);
  });

  test.each(failing)("%s", (expression, faults) => {
    const error = errorOf(expression);
    if (/Syntax error/.test(faults!)) expect(error?.message).toMatch(/ERROR: <input>:1:\d+: Syntax error: /);
    else expect(error?.message).toBe(faults);
  });
});

describe("parseCel: precedence", () => {
  test.each([
    { text: "a - b - c", tree: "(_-_ (_-_ a b) c)" },
    { text: "a + b * c + d", tree: "(_+_ (_+_ a (_*_ b c)) d)" },
    { text: "a * b / c % d", tree: "(_%_ (_/_ (_*_ a b) c) d)" },
    { text: "(a + b) * c", tree: "(_*_ (_+_ a b) c)" },
    { text: "a < b == c in d", tree: "(@in (_==_ (_<_ a b) c) d)" },
    { text: "a == b + c", tree: "(_==_ a (_+_ b c))" },
    { text: "a && b || c && d", tree: "(_||_ (_&&_ a b) (_&&_ c d))" },
    { text: "a || b && c == d", tree: "(_||_ a (_&&_ b (_==_ c d)))" },
    { text: "a || b ? c || d : e ? f : g", tree: "(_?_:_ (_||_ a b) (_||_ c d) (_?_:_ e f g))" },
    { text: "!a.b(c)[d]", tree: "(!_ (_[_] (a.b c) d))" },
    { text: "-a.b", tree: "(-_ a.b)" },
    { text: "-1.b", tree: "-1.b" },
    { text: "a -1", tree: "(_-_ a 1)" },
    { text: "a - -1", tree: "(_-_ a -1)" },
    { text: "- // one\n 1", tree: "-1" },
    { text: "-1u", tree: "(-_ 1)" },
    { text: "[a, b][0].c", tree: "(_[_] [a,b] 0).c" },
  ])("$text", ({ text, tree }) => {
    expect(outline(parseCel(text))).toBe(tree);
  });
});

describe("parseCel: repeated signs", () => {
  test.each([
    { text: "!!a", tree: "a" },
    { text: "! ! !a", tree: "(!_ a)" },
    { text: "--a", tree: "a" },
    { text: "---a", tree: "(-_ a)" },
    { text: "--1", tree: "1" },
    { text: "---1", tree: "(-_ 1)" },
    { text: "!-1", tree: "(!_ -1)" },
  ])("$text", ({ text, tree }) => {
    expect(outline(parseCel(text))).toBe(tree);
  });

  test.each(["!-a", "-!a", "!--1", "!", "-", "+a"])("rejects %s", (text) => {
    expect(errorOf(text)?.message).toMatch(/Syntax error/);
  });
});

describe("parseCel: chains of && and || are balanced", () => {
  test.each([
    { text: "a || b || c", tree: "(_||_ (_||_ a b) c)" },
    { text: "a || b || c || d", tree: "(_||_ (_||_ a b) (_||_ c d))" },
    { text: "a && b && c && d && e", tree: "(_&&_ (_&&_ (_&&_ a b) c) (_&&_ d e))" },
    { text: "(a && b) && c", tree: "(_&&_ (_&&_ a b) c)" },
    { text: "a && (b && c)", tree: "(_&&_ a (_&&_ b c))" },
  ])("$text", ({ text, tree }) => {
    expect(outline(parseCel(text))).toBe(tree);
  });

  test("each call has the position of its own operator", () => {
    const signs: number[] = [];
    const visit = (expr: Expr): void => {
      if (expr.kind !== "call") return;
      visit(expr.args[0]!);
      signs.push(expr.at);
      visit(expr.args[1]!);
    };
    visit(parseCel(Array.from({ length: 40 }, () => "a").join("||")));
    expect(signs).toEqual(Array.from({ length: 39 }, (_, index) => 1 + 3 * index));
  });
});

describe("parseCel: names", () => {
  test.each([
    { text: ".a.b", tree: ".a.b" },
    { text: ".f(a)", tree: "(.f a)" },
    { text: "a.import.in_", tree: "a.import.in_" },
    { text: "a.for(b)", tree: "(a.for b)" },
    { text: "a.b.C{}", tree: "a.b.C{}" },
    { text: ".a.B{c: 1, for: d,}.e", tree: ".a.B{c:1,for:d}.e" },
    { text: "A{,}", tree: "A{}" },
    { text: "as.if{}", tree: "as.if{}" },
    { text: "[,]", tree: "[]" },
    { text: "{,}", tree: "{}" },
    { text: "{'a': b, c: d,}", tree: "{a:b,c:d}" },
    { text: "{a ? b : c : d}", tree: "{(_?_:_ a b c):d}" },
  ])("$text", ({ text, tree }) => {
    expect(outline(parseCel(text))).toBe(tree);
  });

  test.each([
    { text: "import", faults: ["1: reserved identifier: import"] },
    { text: "a + .while", faults: ["5: reserved identifier: while"] },
    { text: "if(var, let)", faults: ["1: reserved identifier: if"] },
    {
      text: "var.let + as[for]",
      faults: ["1: reserved identifier: var", "11: reserved identifier: as", "14: reserved identifier: for"],
    },
  ])("$text: $faults", ({ text, faults }) => {
    expect(faultsOf(text)).toEqual(faults);
  });
});

describe("parseCel: macros", () => {
  test.each([
    { text: "has(a.b)", tree: "has(a.b)" },
    { text: "has(a.b.c)", tree: "has(a.b.c)" },
    { text: "has(f().b)", tree: "has((f ).b)" },
    { text: "has((a.b))", tree: "has(a.b)" },
    { text: "has(has(a.b))", tree: "has(a.b)" },
    { text: "has(a.b, c)", tree: "(has a.b c)" },
    { text: "has()", tree: "(has )" },
    { text: ".has(a.b)", tree: "(.has a.b)" },
    { text: "a.has(b.c)", tree: "(a.has b.c)" },
    { text: "a.all(v, p)", tree: "(all a v p -)" },
    { text: "a.exists(v, p)", tree: "(exists a v p -)" },
    { text: "a.exists_one(v, p)", tree: "(exists_one a v p -)" },
    { text: "a.filter(v, p)", tree: "(filter a v p -)" },
    { text: "a.map(v, f)", tree: "(map a v - f)" },
    { text: "a.map(v, p, f)", tree: "(map a v p f)" },
    { text: "a.all(v)", tree: "(a.all v)" },
    { text: "a.all(v, p, q)", tree: "(a.all v p q)" },
    { text: "a.map(v)", tree: "(a.map v)" },
    { text: "a.map(v, p, f, g)", tree: "(a.map v p f g)" },
    { text: "a.existsOne(v, p)", tree: "(a.existsOne v p)" },
    { text: "all(v, p)", tree: "(all v p)" },
    { text: "a.all(.v, p)", tree: "(all a .v p -)" },
    { text: "a.all(v, v.all(w, w))", tree: "(all a v (all v w w -) -)" },
  ])("$text", ({ text, tree }) => {
    expect(outline(parseCel(text))).toBe(tree);
  });

  test.each([
    { text: "has(a)", faults: ["5: invalid argument to has() macro"] },
    { text: "has(a[0])", faults: ["6: invalid argument to has() macro"] },
    { text: "has(a.b())", faults: ["8: invalid argument to has() macro"] },
    { text: "has(a == b)", faults: ["7: invalid argument to has() macro"] },
    { text: "a.all(1, p)", faults: ["7: argument must be a simple name"] },
    { text: "a.exists(b.c, p)", faults: ["11: argument must be a simple name"] },
    { text: "a.exists_one(b(), p)", faults: ["15: argument must be a simple name"] },
    { text: "a.map(b.c, f)", faults: ["8: argument is not an identifier"] },
    { text: "a.map('b', p, f)", faults: ["7: argument is not an identifier"] },
    { text: "a.filter([b], f)", faults: ["10: argument is not an identifier"] },
    { text: "a.all(__result__, p)", faults: ["7: iteration variable overwrites accumulator variable"] },
    { text: "a.map(__result__, p)", faults: ["7: iteration variable overwrites accumulator variable"] },
    {
      text: "a.all(if, has(b))",
      faults: [
        "7: reserved identifier: if",
        "7: argument must be a simple name",
        "15: invalid argument to has() macro",
      ],
    },
  ])("$text: $faults", ({ text, faults }) => {
    expect(faultsOf(text)).toEqual(faults);
  });
});

describe("parseCel: reports all literals out of range", () => {
  test.each([
    { text: "9223372036854775808", faults: ["1: invalid int literal"] },
    { text: "a + - 9223372036854775809", faults: ["5: invalid int literal"] },
    { text: "--9223372036854775808", faults: ["3: invalid int literal"] },
    {
      text: "[18446744073709551616u, 1e999]",
      faults: ["2: invalid uint literal", "25: invalid double literal"],
    },
    {
      text: "b'\\u0041' + '\\U00110000'",
      faults: ["1: unable to unescape string", "13: invalid unicode code point"],
    },
  ])("$text", ({ text, faults }) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test("accepts the least int", () => {
    expect(parseCel("-9223372036854775808")).toEqual({
      kind: "const",
      at: 0,
      literal: { type: "int", value: -(2n ** 63n) },
    });
  });
});

describe("parseCel: rejects optional syntax", () => {
  test.each([
    { text: "a.?b", faults: ["2: unsupported syntax '.?'"] },
    { text: "a[?b]", faults: ["2: unsupported syntax '[?'"] },
    { text: "[?a, b, ?c]", faults: ["2: unsupported syntax '?'", "9: unsupported syntax '?'"] },
    { text: "{?a: b}", faults: ["2: unsupported syntax '?'"] },
    { text: "A{?a: b}", faults: ["3: unsupported syntax '?'"] },
    { text: "{?if: if, if: 1}", faults: ["2: unsupported syntax '?'", "11: reserved identifier: if"] },
    { text: "has(a.?b)", faults: ["6: unsupported syntax '.?'", "6: invalid argument to has() macro"] },
  ])("$text", ({ text, faults }) => {
    expect(faultsOf(text)).toEqual(faults);
  });
});

const STRANGE = "Syntax error: found ` (U+0060), which only a string or a comment can contain";

describe("parseCel: differences of cel-go 0.26", () => {
  test.each([
    {
      text: "",
      older: ["1: Syntax error: found the end of the expression where a value was expected"],
      newer: ["0: Syntax error: found the end of the expression where a value was expected"],
    },
    { text: "a.`b` == c", older: [`3: ${STRANGE}`], newer: ["3: unsupported syntax: '`'"] },
    { text: "a.`b-c/d.e f`", older: [`3: ${STRANGE}`], newer: ["3: unsupported syntax: '`'"] },
    { text: "has(a.`b`)", older: [`7: ${STRANGE}`], newer: ["7: unsupported syntax: '`'"] },
    {
      text: "a.`b`.`c`[d.`e`]",
      older: [`3: ${STRANGE}`],
      newer: ["3: unsupported syntax: '`'", "7: unsupported syntax: '`'", "13: unsupported syntax: '`'"],
    },
    {
      text: "a.?`b`",
      older: [`4: ${STRANGE}`],
      newer: ["2: unsupported syntax '.?'", "4: unsupported syntax: '`'"],
    },
    { text: "A{`b`: if, c: d}", older: [`3: ${STRANGE}`], newer: ["3: unsupported syntax: '`'"] },
    {
      text: "a.`b`()",
      older: [`3: ${STRANGE}`],
      newer: [
        "3: unsupported syntax: '`'",
        "6: Syntax error: found '(' where an operator or the end of the expression was expected",
      ],
    },
    {
      text: "`a`",
      older: [`1: ${STRANGE}`],
      newer: ["1: Syntax error: found '`a`' where a value was expected"],
    },
    { text: "a.`b", older: [`3: ${STRANGE}`], newer: [`3: ${STRANGE}`] },
    { text: "a.``", older: [`3: ${STRANGE}`], newer: [`3: ${STRANGE}`] },
    { text: "a.`b\n`", older: [`3: ${STRANGE}`], newer: [`3: ${STRANGE}`] },
  ])("$text", ({ text, older, newer }) => {
    expect(faultsOf(text)).toEqual(older);
    expect(faultsOf(text, { version: "0.20" })).toEqual(older);
    expect(faultsOf(text, { version: "0.26" })).toEqual(newer);
  });

  test("the position of the end of an empty expression is shown without a line", () => {
    expect(errorOf("", { version: "0.26" })?.message).toBe(
      "ERROR: <input>:1:0: Syntax error: found the end of the expression where a value was expected",
    );
  });
});

describe("parseCel: names the found and the expected token", () => {
  test.each([
    { text: "", fault: "1: Syntax error: found the end of the expression where a value was expected" },
    { text: "  ", fault: "3: Syntax error: found the end of the expression where a value was expected" },
    { text: "a ==", fault: "5: Syntax error: found the end of the expression where a value was expected" },
    {
      text: "a b",
      fault: "3: Syntax error: found 'b' where an operator or the end of the expression was expected",
    },
    {
      text: "a 'b'",
      fault: "3: Syntax error: found a string where an operator or the end of the expression was expected",
    },
    {
      text: "a b'b'",
      fault: "3: Syntax error: found bytes where an operator or the end of the expression was expected",
    },
    {
      text: `a ${"b".repeat(50)}`,
      fault: `3: Syntax error: found '${"b".repeat(40)}…' where an operator or the end of the expression was expected`,
    },
    { text: "(a", fault: "3: Syntax error: found the end of the expression where ')' was expected" },
    { text: "[a", fault: "3: Syntax error: found the end of the expression where ']' was expected" },
    { text: "[,a]", fault: "3: Syntax error: found 'a' where ']' was expected" },
    { text: "[a,,]", fault: "4: Syntax error: found ',' where a value was expected" },
    { text: "f(a,)", fault: "5: Syntax error: found ')' where a value was expected" },
    { text: "{a}", fault: "3: Syntax error: found '}' where ':' was expected" },
    {
      text: "{a: b; c: d}",
      fault: "6: Syntax error: found ; (U+003B), which only a string or a comment can contain",
    },
    { text: "A{1: b}", fault: "3: Syntax error: found '1' where the name of a field was expected" },
    {
      text: "a.1",
      fault: "2: Syntax error: found '.1' where an operator or the end of the expression was expected",
    },
    { text: "a.in", fault: "3: Syntax error: found 'in' where the name of a field or a method was expected" },
    {
      text: "f(){}",
      fault: "4: Syntax error: found '{' where an operator or the end of the expression was expected",
    },
    { text: "a ? b", fault: "6: Syntax error: found the end of the expression where ':' was expected" },
    { text: ". 1", fault: "3: Syntax error: found '1' where a name was expected" },
    { text: "a = b", fault: "3: Syntax error: found = where == was expected" },
    { text: "'a", fault: "1: Syntax error: found no ' that ends the string" },
  ])("$text", ({ text, fault }) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  test("includes the faults before a syntax error", () => {
    expect(faultsOf("a.?b()")).toEqual([
      "2: unsupported syntax '.?'",
      "5: Syntax error: found '(' where an operator or the end of the expression was expected",
    ]);
    expect(faultsOf("if (true) true")).toEqual([
      "1: reserved identifier: if",
      "11: Syntax error: found 'true' where an operator or the end of the expression was expected",
    ]);
  });
});

test("parseCel: every node has its position", () => {
  const text = "a.b(c)[d] + -.e.f ? [n] : {g: has(h.i)} == J{k: l.all(m, !m)}";
  const places: string[] = [];
  const visit = (value: unknown, name = ""): void => {
    if (typeof value !== "object" || value === null) return;
    if ("at" in value) places.push(`${text[Number(value.at)]} ${"kind" in value ? value.kind : name}`);
    for (const [key, inner] of Object.entries(value)) {
      for (const part of Array.isArray(inner) ? inner : [inner]) visit(part, key);
    }
  };
  visit(parseCel(text));
  expect(places).toEqual([
    "? call",
    "+ call",
    "[ call",
    "( call",
    "a ident",
    "c ident",
    "d ident",
    "- call",
    ". select",
    "e ident",
    "[ list",
    "n ident",
    "= call",
    "{ map",
    ": entries",
    "g ident",
    "( select",
    "h ident",
    "{ struct",
    ": fields",
    "( macro",
    "l ident",
    "! call",
    "m ident",
  ]);
});

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CelError, CelEvaluationError } from "../../src/cel/index.js";
import { markAbsent } from "../../src/cel/value/equal.js";
import { FilterError } from "../../src/errors/errors.js";
import {
  checkFlowFilters,
  compileFlowFilter,
  compileFlowFilters,
  createCelEngine,
  type FlowEvent,
} from "../../src/filter/index.js";
import {
  AgentEventSchema,
  DebugEventSchema,
  type Flow,
  FlowSchema,
  LostEventSchema,
  Verdict,
} from "../../src/proto.js";

const dropped = create(FlowSchema, { verdict: Verdict.DROPPED });
const forwarded = create(FlowSchema, { verdict: Verdict.FORWARDED });

function ask(flow: FlowEvent, ...celExpression: string[]): boolean {
  return compileFlowFilter({ experimental: { celExpression } })(flow);
}

describe("createCelEngine: a list of expressions", () => {
  test.each([
    { name: "an empty list matches all", expressions: [], matches: true },
    { name: "the only one", expressions: ["_flow.verdict == 2"], matches: true },
    {
      name: "the last one",
      expressions: ["false", "false", "_flow.verdict == Verdict.DROPPED"],
      matches: true,
    },
    { name: "no expression matches", expressions: ["false", "_flow.verdict == 1"], matches: false },
    { name: "a failure ends the list", expressions: ["1 / 0 == 1", "true"], matches: false },
    { name: "a failure is not reached", expressions: ["true", "1 / 0 == 1"], matches: true },
    { name: "a failure after what is false", expressions: ["false", "1 / 0 == 1", "true"], matches: false },
    {
      name: "null that the checker accepts as a bool ends the list",
      expressions: ["[true, _flow.is_reply][1]", "true"],
      matches: false,
    },
    {
      name: "an invalid pattern ends the list",
      expressions: ["''.matches('(')", "true"],
      matches: false,
    },
  ])("$name", ({ expressions, matches }) => {
    expect(ask(dropped, ...expressions)).toBe(matches);
  });

  test.each([
    { expression: "_flow.extensions == null", unset: true },
    { expression: "_flow.extensions != null", unset: false },
    { expression: "_flow.extensions == _flow.extensions", unset: true },
    { expression: "_flow.extensions == 1", unset: false },
    { expression: "type(_flow.extensions) == null_type", unset: true },
  ])("$expression fails for extensions that are set but empty", ({ expression, unset }) => {
    const empty = create(FlowSchema, { extensions: {} });
    expect(ask(create(FlowSchema), expression)).toBe(unset);
    // A failure ends the list.
    expect(ask(empty, expression, "true")).toBe(false);
    expect(ask(empty, "has(_flow.extensions)")).toBe(true);
  });

  test("denies no flow when it fails", () => {
    const deny = (celExpression: string[]) =>
      compileFlowFilters({ deny: [{ experimental: { celExpression } }] })(dropped);
    expect(deny(["1 / 0 == 1", "true"])).toBe(true);
    expect(deny(["true", "1 / 0 == 1"])).toBe(false);
  });

  test("fails if any expression does not compile, with all issues", () => {
    try {
      compileFlowFilter({ experimental: { celExpression: ["true", "1", "nope == 1"] } });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(FilterError);
      expect((error as FilterError).issues.map(({ path, message }) => [path, message])).toEqual([
        [
          "experimental.cel_expression[1]",
          'error compiling CEL expression: got "int", wanted "bool" result type',
        ],
        [
          "experimental.cel_expression[2]",
          "error compiling CEL expression: ERROR: <input>:1:1: undeclared reference to 'nope' (in container 'flow')\n" +
            " | nope == 1\n | ^",
        ],
      ]);
    }
  });
});

describe("createCelEngine: events that are not flows", () => {
  const events: readonly FlowEvent[] = [
    undefined,
    create(LostEventSchema, { numEventsLost: 3n }),
    create(AgentEventSchema),
    create(DebugEventSchema),
  ];

  test.each([
    { expression: "_flow.verdict == 0", matches: true },
    { expression: "has(_flow.source)", matches: false },
    { expression: "_flow.source.labels.size() == 0", matches: true },
    { expression: "_flow.is_reply == null", matches: true },
    { expression: "_flow == flow.Flow{}", matches: false },
    { expression: "flow.Flow{} == _flow", matches: false },
    { expression: "dyn(_flow) == Flow{}", matches: false },
    { expression: "_flow == _flow", matches: true },
    { expression: "_flow in [Flow{}]", matches: false },
    { expression: "[_flow] == [Flow{}]", matches: false },
    { expression: "_flow == null", matches: false },
    { expression: "type(_flow) == Flow", matches: true },
    { expression: "_flow.source == Endpoint{}", matches: true },
  ])("$expression: $matches", ({ expression, matches }) => {
    for (const event of events) expect(ask(event, expression)).toBe(matches);
  });

  test("treats an empty flow as a flow", () => {
    const empty = create(FlowSchema);
    expect(ask(empty, "_flow == Flow{}")).toBe(true);
    expect(ask(markAbsent(create(FlowSchema)), "_flow == Flow{}")).toBe(false);
  });
});

describe("createCelEngine: an engine", () => {
  test("compiles predicates that are independent of each other", () => {
    const engine = createCelEngine();
    const isDropped = engine.compile("_flow.verdict == Verdict.DROPPED");
    const isForwarded = engine.compile("_flow.verdict == Verdict.FORWARDED");
    const answers = [dropped, forwarded].map((flow) => [isDropped(flow), isForwarded(flow)]);
    expect(answers).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test("is not affected by an earlier failure", () => {
    const program = createCelEngine().compile("10 / int(_flow.verdict) == 5");
    expect(() => program(create(FlowSchema))).toThrow(CelEvaluationError);
    expect(program(dropped)).toBe(true);
  });

  test("has its own limits", () => {
    const labels = create(FlowSchema, { source: { labels: Array.from({ length: 100 }, () => "a") } });
    const text = "_flow.source.labels.all(l, l == 'a')";
    expect(createCelEngine().compile(text)(labels)).toBe(true);
    expect(() => createCelEngine({ maxSteps: 100 }).compile(text)(labels)).toThrow(
      "evaluation takes too many steps",
    );
    expect(() => createCelEngine({ maxCodePoints: 10 }).compile(text)).toThrow(CelError);
    expect(() => createCelEngine({ maxDepth: 1 }).compile("((true))")).toThrow(CelError);
  });

  test("can be replaced by another engine", () => {
    const cel = { compile: (expression: string) => (flow: Flow) => flow.Summary === expression };
    const filter = compileFlowFilter({ experimental: { celExpression: ["a", "b"] } }, { cel });
    expect(["a", "b", "c"].map((Summary) => filter(create(FlowSchema, { Summary })))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe("checkFlowFilters: limits of patterns in CEL expressions", () => {
  const filter = (celExpression: string[]) => ({ allow: [{ experimental: { celExpression } }] });

  test("reports a constant pattern that exceeds a limit, as Hubble may accept it", () => {
    const issues = checkFlowFilters(
      filter([`_flow.uuid.matches('^[a-z]{1000}{2}{11}$')`, "_flow.uuid.matches('[a-z]{1000}[A-Z]{100}')"]),
    );
    expect(issues.map(({ message }) => message).join()).toContain("expression too large");
  });

  test("reports the pattern that exceeds the limit of all patterns together", () => {
    const expressions = Array.from(
      { length: 120 },
      (_, index) => `_flow.uuid.matches('(?:abcdefghijklmnopqrst){500}[xy]${index}')`,
    );
    const issues = checkFlowFilters(filter(expressions));
    expect(issues.length).toBeGreaterThan(0);
    expect(issues[0]?.message).toContain("expression too large beside all others");
  });

  test("reports no invalid pattern, which fails in the evaluation, as in Hubble", () => {
    expect(checkFlowFilters(filter(["_flow.uuid.matches('(')"]))).toEqual([]);
  });
});

import type { RegexOptions } from "../../regex/regex.js";
import type { CheckedExpr } from "../check/checked.js";
import { type Environment, findField } from "../check/environment.js";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DYN,
  INT,
  listOf,
  mapOf,
  messageType,
  NULL,
  STRING,
  TYPE,
  typeName,
  UINT,
} from "../check/type.js";
import type { Expr, IdentExpr, ListExpr, MapExpr, SelectExpr, StructExpr } from "../parse/ast.js";
import { DynamicFields } from "../run/message.js";
import { buildMessage } from "../run/message-literal.js";
import { createEquality } from "../value/equal.js";
import { Fault } from "../value/fault.js";
import { CelMap, CelTypeValue, CelUint, type CelValue } from "../value/value.js";
import { compileCall } from "./call.js";
import {
  anyFails,
  asValue,
  type Code,
  commonType,
  constantCode,
  failing,
  folded,
  type Run,
  weigh,
} from "./code.js";
import type { Compiler } from "./compiler.js";
import { compileField, compileFieldTest, selectValue, testValue } from "./field.js";
import { compileMacro } from "./macro.js";

/** A compiled expression and its frame size. */
export interface CompiledExpr {
  readonly code: Code;
  /** The names of the variables that it reads. */
  readonly reads: ReadonlySet<string>;
  readonly frameLength: number;
}

/**
 * Compiles a checked expression to closures. Types, fields, enums and constants are resolved now as far as they are
 * known. Nodes whose type is only known at run time operate on values that carry their type.
 */
export function compileChecked(
  checked: CheckedExpr,
  environment: Environment,
  variables: readonly { readonly name: string; readonly type: CelType; readonly form: Code["form"] }[],
  regex: RegexOptions = {},
): CompiledExpr {
  const slots = new Map(variables.map(({ name, type, form }, index) => [name, { index, type, form }]));
  const macroSlots = new Map<Expr, { slot: number; type: CelType }>();
  const reads = new Set<string>();
  let depth = variables.length;
  let frameLength = depth;

  const compiler: Compiler = {
    checked,
    environment,
    equal: createEquality(environment.registry),
    regex,
    compile,
    withVariable: (expr, type, use) => {
      const slot = depth++;
      frameLength = Math.max(frameLength, depth);
      macroSlots.set(expr, { slot, type });
      const result = use(slot);
      depth--;
      return result;
    },
  };

  function compile(expr: Expr): Code {
    const fault = checked.faultOf(expr);
    if (fault !== undefined) return failing(new Fault(fault), 1);
    switch (expr.kind) {
      case "const":
        return compileLiteral(expr.literal);
      case "ident":
        return compileName(expr);
      case "select":
        return compileSelect(expr);
      case "call":
        return compileCall(expr, compiler);
      case "list":
        return compileList(expr);
      case "map":
        return compileMap(expr);
      case "struct":
        return compileStruct(expr);
      case "macro":
        return compileMacro(expr, compiler);
    }
  }

  function compileName(expr: IdentExpr | SelectExpr): Code {
    const macro = checked.macroOf(expr);
    if (macro !== undefined) {
      const { slot, type } = macroSlots.get(macro)!;
      return readSlot(slot, type, "value");
    }
    const reference = checked.referenceOf(expr);
    // The checker has reported every unresolved name.
    if (reference === undefined) throw new TypeError("a name without a meaning");
    switch (reference.kind) {
      case "constant":
        return constantCode(INT, BigInt(reference.value));
      case "type":
        return constantCode(TYPE, new CelTypeValue(baseName(reference.type.of ?? TYPE)));
      case "variable": {
        const { index, type, form } = slots.get(reference.name)!;
        reads.add(reference.name);
        return readSlot(index, type, form);
      }
    }
  }

  function compileSelect(expr: SelectExpr): Code {
    if (checked.macroOf(expr) !== undefined || checked.referenceOf(expr) !== undefined)
      return compileName(expr);
    const operand = compile(expr.operand);
    const { type } = operand;
    const desc = type.kind === "message" ? environment.registry.getMessage(type.name) : undefined;
    const field = desc && findField(desc, expr.field, environment.registry);
    if (field !== undefined) {
      return expr.testOnly
        ? compileFieldTest(operand, field)
        : compileField(operand, field, environment.registry);
    }
    const fields = new DynamicFields(expr.field, environment.registry);
    const value = asValue(operand);
    const weight = operand.weight + 1;
    const run: Run<CelValue> = expr.testOnly
      ? (frame) => testValue(value(frame), expr.field, fields)
      : (frame) => selectValue(value(frame), expr.field, fields, frame);
    const found = !expr.testOnly && type.kind === "map" ? type.value : DYN;
    return folded({ type: expr.testOnly ? BOOL : found, form: "value", run, canFail: true, weight }, [
      operand,
    ]);
  }

  function compileList({ elements }: ListExpr): Code {
    const codes = elements.map(compile);
    const values = codes.map(asValue);
    const type = listOf(commonType(codes));
    const run: Run<CelValue> = (frame) => values.map((value) => value(frame));
    return folded({ type, form: "value", run, canFail: anyFails(codes), weight: weigh(codes) }, codes);
  }

  function compileMap({ entries }: MapExpr): Code {
    const keys = entries.map(({ key }) => compile(key));
    const contents = entries.map(({ value }) => compile(value));
    const pairs = entries.map((_, index) => [asValue(keys[index]!), asValue(contents[index]!)] as const);
    const codes = [...keys, ...contents];
    const run: Run<CelValue> = (frame) => {
      const map = new CelMap();
      for (const [readKey, value] of pairs) {
        const key = readKey(frame);
        if (typeof key === "string") frame.spendOn(key.length);
        if (!map.add(key, value(frame))) throw BAD_KEY;
      }
      return map;
    };
    const type = mapOf(commonType(keys), commonType(contents));
    return folded({ type, form: "value", run, canFail: true, weight: weigh(codes) }, codes);
  }

  function compileStruct(expr: StructExpr): Code {
    const name = checked.messageOf(expr);
    const desc = environment.registry.getMessage(name);
    if (desc === undefined) return failing(new Fault(`unknown type: ${name}`), 1);
    const codes = expr.fields.map(({ value }) => compile(value));
    const values = codes.map(asValue);
    // The checker has reported every unknown field.
    const fields = expr.fields.map((entry) => findField(desc, entry.name)!);
    const run: Run<CelValue> = (frame) => {
      const entries = values.map((value, index) => [fields[index]!, value(frame)] as const);
      return buildMessage(desc, entries, environment.registry, frame);
    };
    const type = messageType(name);
    const weight = weigh(codes) + STRUCT_STEPS;
    return folded(
      { type: type.kind === "any" ? DYN : type, form: "value", run, canFail: true, weight },
      codes,
    );
  }

  const code = compile(checked.expr);
  return { code, reads, frameLength };
}

const BAD_KEY = new Fault("a key of a map is repeated, or not of a type that keys can have");

/** The approximate cost of creating a message. */
const STRUCT_STEPS = 10;

function compileLiteral(literal: (Expr & { kind: "const" })["literal"]): Code {
  switch (literal.type) {
    case "null":
      return constantCode(NULL, null);
    case "uint":
      return constantCode(UINT, new CelUint(literal.value));
    default:
      return constantCode(LITERAL_TYPES[literal.type], literal.value);
  }
}

const LITERAL_TYPES = { bool: BOOL, int: INT, double: DOUBLE, string: STRING, bytes: BYTES } as const;

function readSlot(slot: number, type: CelType, form: Code["form"]): Code {
  const run: Run<unknown> = slot === 0 ? (frame) => frame.values[0] : (frame) => frame.values[slot];
  return { type, form, run, canFail: false, weight: 1 };
}

/** Returns the runtime name of a type, which for lists and maps has no element types. */
function baseName(type: CelType): string {
  return type.kind === "list" || type.kind === "map" ? type.kind : typeName(type);
}

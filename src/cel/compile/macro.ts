import { BOOL, type CelType, DYN, listOf } from "../check/type.js";
import type { MacroExpr } from "../parse/ast.js";
import { type Fault, NO_OVERLOAD } from "../value/fault.js";
import { CelMap, type CelValue } from "../value/value.js";
import { asBool, asValue, type Code, type Run } from "./code.js";
import type { Compiler } from "./compiler.js";
import { absorbable } from "./logic.js";

/**
 * Compiles a macro to a loop over the elements of a list or the keys of a map. Each iteration costs the weight of its
 * body in steps.
 */
export function compileMacro(expr: MacroExpr, compiler: Compiler): Code {
  const range = compiler.compile(expr.range);
  const element = elementType(range.type);
  return compiler.withVariable(expr, element, (slot) => {
    const predicate = expr.predicate && compiler.compile(expr.predicate);
    const transform = expr.transform && compiler.compile(expr.transform);
    const weight = 1 + (predicate?.weight ?? 0) + (transform?.weight ?? 0);
    const loop: Loop = { slot, values: elementsOf(range), weight };
    const canFail =
      range.canFail ||
      (range.type.kind !== "list" && range.type.kind !== "map") ||
      [predicate, transform].some(
        (code) => code !== undefined && (code.canFail || code.type.kind !== "bool"),
      );
    const code = (type: CelType, run: Run<CelValue>): Code => ({
      type,
      form: "value",
      run,
      canFail,
      weight: range.weight + weight,
    });
    switch (expr.macro) {
      case "exists":
        return code(BOOL, findDecisive(loop, predicate!, true));
      case "all":
        return code(BOOL, findDecisive(loop, predicate!, false));
      case "exists_one":
        return code(BOOL, findOne(loop, asBool(predicate!)));
      case "filter":
        return code(listOf(element), collect(loop, predicate && asBool(predicate), undefined));
      case "map": {
        const made = asValue(transform!);
        return code(listOf(transform!.type), collect(loop, predicate && asBool(predicate), made));
      }
    }
  });
}

interface Loop {
  /** The slot of the macro's variable. */
  readonly slot: number;
  readonly values: Run<readonly CelValue[]>;
  readonly weight: number;
}

function elementType(range: CelType): CelType {
  if (range.kind === "list") return range.element;
  return range.kind === "map" ? range.key : DYN;
}

function elementsOf(range: Code): Run<readonly CelValue[]> {
  if (range.type.kind === "list") return range.run as Run<readonly CelValue[]>;
  const value = asValue(range);
  return (frame) => {
    const values = value(frame);
    if (values instanceof CelMap) {
      frame.spend(values.size);
      return [...values.keys()];
    }
    if (Array.isArray(values)) return values as readonly CelValue[];
    throw NO_OVERLOAD;
  };
}

/** Searches for an element with the decisive result; faults of other elements are absorbed, as in `||` and `&&`. */
function findDecisive({ slot, values, weight }: Loop, predicate: Code, decisive: boolean): Run<boolean> {
  const holds = asBool(predicate);
  if (!predicate.canFail && predicate.type.kind === "bool") {
    return (frame) => {
      const elements = values(frame);
      for (let index = 0; index < elements.length; index++) {
        frame.spend(weight);
        frame.values[slot] = elements[index];
        if (holds(frame) === decisive) return decisive;
      }
      return !decisive;
    };
  }
  return (frame) => {
    const elements = values(frame);
    let fault: Fault | undefined;
    for (let index = 0; index < elements.length; index++) {
      frame.spend(weight);
      frame.values[slot] = elements[index];
      try {
        if (holds(frame) === decisive) return decisive;
      } catch (error) {
        const absorbed = absorbable(error, frame);
        fault ??= absorbed;
      }
    }
    if (fault !== undefined) throw fault;
    return !decisive;
  };
}

function findOne({ slot, values, weight }: Loop, holds: Run<boolean>): Run<boolean> {
  return (frame) => {
    const elements = values(frame);
    let found = 0;
    for (let index = 0; index < elements.length; index++) {
      frame.spend(weight);
      frame.values[slot] = elements[index];
      if (holds(frame)) found++;
    }
    return found === 1;
  };
}

function collect(
  { slot, values, weight }: Loop,
  holds: Run<boolean> | undefined,
  make: Run<CelValue> | undefined,
): Run<readonly CelValue[]> {
  return (frame) => {
    const elements = values(frame);
    const collected: CelValue[] = [];
    for (let index = 0; index < elements.length; index++) {
      frame.spend(weight);
      const element = elements[index]!;
      frame.values[slot] = element;
      if (holds !== undefined && !holds(frame)) continue;
      collected.push(make === undefined ? element : make(frame));
    }
    return collected;
  };
}

import { DYN, INT, isSameType } from "../check/type.js";
import type { Frame } from "../run/frame.js";
import { equalStrings } from "../value/equal.js";
import { Fault, NO_OVERLOAD } from "../value/fault.js";
import { codePointCount } from "../value/text.js";
import { CelMap, CelUint, type CelValue } from "../value/value.js";
import {
  anyFails,
  asBigint,
  asNumeric,
  asValue,
  type Code,
  isInteger,
  type Run,
  testCode,
  weigh,
} from "./code.js";
import type { Compiler } from "./compiler.js";

export function compileIn(element: Code, container: Code, { equal }: Compiler): Code {
  const codes = [element, container];
  const set = constantSet(element, container);
  if (set !== undefined) return set;
  const value = asValue(element);
  const range = asValue(container);
  const { type } = container;
  if (type.kind === "list" && element.type.kind === "string" && type.element.kind === "string") {
    return testCode((frame) => {
      const wanted = value(frame);
      const list = range(frame) as readonly string[];
      frame.spendOn(list.length);
      for (let index = 0; index < list.length; index++) {
        if (equalStrings(list[index], wanted, frame)) return true;
      }
      return false;
    }, codes);
  }
  return testCode(
    (frame) => {
      const wanted = value(frame);
      const values = range(frame);
      if (values instanceof CelMap) return lookUp(values, wanted, frame) !== undefined;
      if (!Array.isArray(values)) throw NO_OVERLOAD;
      frame.spend(values.length);
      return (values as readonly CelValue[]).some((one) => equal(wanted, one, frame));
    },
    codes,
    anyFails(codes) || (type.kind !== "list" && type.kind !== "map"),
  );
}

/** For a constant list of strings or integers: a lookup in a set. */
function constantSet(element: Code, container: Code): Code | undefined {
  const { constant } = container;
  if (!Array.isArray(constant) || container.type.kind !== "list") return undefined;
  if (!isSameType(element.type, container.type.element)) return undefined;
  const codes = [element, container];
  const values = constant as readonly CelValue[];
  if (element.type.kind === "string") {
    const set = new Set(values as readonly string[]);
    const run = element.run as Run<string>;
    return testCode((frame) => set.has(run(frame)), codes);
  }
  if (!isInteger(element)) return undefined;
  const integers = values.map((value) => (value instanceof CelUint ? value.value : (value as bigint)));
  if (element.form !== "number") {
    const set = new Set(integers);
    const run = asBigint(element);
    return testCode((frame) => set.has(run(frame)), codes);
  }
  const set = new Set(integers.map(Number));
  const run = element.run as Run<number>;
  return testCode((frame) => set.has(run(frame)), codes);
}

export function compileIndex(container: Code, index: Code): Code {
  const weight = weigh([container, index]);
  const { type } = container;
  const values = asValue(container);
  if (type.kind === "list" && index.type.kind === "int") {
    const list = container.run as Run<readonly CelValue[]>;
    const at = asNumeric(index);
    const run: Run<CelValue> = (frame) => elementAt(list(frame), at(frame));
    return { type: type.element, form: "value", run, canFail: true, weight };
  }
  const key = asValue(index);
  const run: Run<CelValue> = (frame) => {
    const found = values(frame);
    const wanted = key(frame);
    if (found instanceof CelMap) {
      const value = lookUp(found, wanted, frame);
      if (value === undefined) throw new Fault("no such key");
      return value;
    }
    if (!Array.isArray(found)) throw NO_OVERLOAD;
    return elementAt(found as readonly CelValue[], toIndex(wanted));
  };
  return { type: type.kind === "map" ? type.value : DYN, form: "value", run, canFail: true, weight };
}

/** Looks up a key. A long string is compared with the stored key, which costs steps. */
function lookUp(map: CelMap, key: CelValue, frame: Frame): CelValue | undefined {
  if (typeof key === "string") frame.spendOn(key.length);
  return map.get(key);
}

function elementAt(list: readonly CelValue[], index: number | bigint): CelValue {
  const value = list[Number(index)];
  if (value === undefined) throw new Fault(`index out of bounds: ${index}`);
  return value;
}

/** Converts an index. A double is accepted if it is an integer. */
function toIndex(index: CelValue): number | bigint {
  if (index instanceof CelUint) return index.value;
  if (typeof index === "bigint") return index;
  if (typeof index === "number" && Number.isInteger(index)) return index;
  throw new Fault("invalid index of a list");
}

export function compileSize(code: Code): Code | undefined {
  const { canFail, weight, type } = code;
  const size = (run: Run<number>): Code => ({ type: INT, form: "number", run, canFail, weight: weight + 1 });
  switch (type.kind) {
    case "string": {
      const text = code.run as Run<string>;
      return size((frame) => {
        const value = text(frame);
        frame.spendOn(value.length);
        return codePointCount(value);
      });
    }
    case "list": {
      const list = code.run as Run<readonly CelValue[]>;
      return size((frame) => list(frame).length);
    }
    default:
      return undefined;
  }
}

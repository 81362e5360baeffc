import type { DescMessage } from "@bufbuild/protobuf";
import type { ValueCheck } from "../errors/value-checks.js";
import { typeOf } from "./descriptor.js";
import { readMessage } from "./read.js";

/**
 * Creates a check of an init object (or message) of a type, for arguments that are passed to `create` of protobuf-es:
 * it ignores unknown fields and accepts values of any type. Paths use the names of the init object. The contents of maps
 * and `google.protobuf.Struct` are not checked.
 *
 * @param others Additional fields that the init object may have.
 */
export function anInitOf(schema: DescMessage, others: readonly string[] = []): ValueCheck<object> {
  return (value, path, report) => {
    readMessage(typeOf(schema), value, path, { report, forms: "init", others });
  };
}

import { type FlowFilter, FlowFilterSchema } from "../gen/flow/flow_pb.js";
import type { FilterField } from "./field.js";
import type { FlowFilterInit } from "./filter-init.js";

// Every field is a list, except `experimental`, which contains one list. Only this file makes the distinction.

/** The path of the values of a field: its name in the proto file, or `experimental.cel_expression`. */
export function fieldPath(field: FilterField): string {
  return field === "experimental" ? "experimental.cel_expression" : FlowFilterSchema.field[field].name;
}

/** The values of a field that is set. */
export function valuesOf(filter: FlowFilter, field: FilterField): readonly unknown[] {
  return (field === "experimental" ? filter.experimental?.celExpression : filter[field]) ?? [];
}

/** A filter with a single field. The values must be those of the field in a valid filter. */
export function filterWith(field: FilterField, values: readonly unknown[]): FlowFilterInit {
  // The values were read from the same field.
  return { [field]: field === "experimental" ? { celExpression: values } : values } as FlowFilterInit;
}

import type { DescMessage } from "@bufbuild/protobuf";
import { FlowSchema } from "../gen/flow/flow_pb.js";

/**
 * The paths of a field mask for paths of fields that code reads, sorted and without those that others contain. A oneof of
 * which only the case is read becomes all of its fields, because a field mask has no names of oneofs; a field in a list of
 * messages becomes the list; an empty path becomes all fields of a Flow.
 */
export function maskPaths(reads: readonly string[]): string[] {
  const paths = new Set(reads.flatMap((path) => expand(FlowSchema, path === "" ? [] : path.split("."), "")));
  return [...paths].filter((path) => !prefixesOf(path).some((prefix) => paths.has(prefix))).sort();
}

function expand(message: DescMessage, [name, ...rest]: readonly string[], prefix: string): string[] {
  if (name === undefined) return message.fields.map((field) => prefix + field.name);
  const oneof = message.oneofs.find((one) => one.name === name);
  if (oneof !== undefined) return oneof.fields.map((field) => prefix + field.name);
  const field = message.fields.find((one) => one.name === name);
  if (field === undefined) throw new Error(`${message.typeName} does not have a field ${name}`);
  // A field mask selects lists as a whole.
  return rest.length === 0 || field.fieldKind !== "message"
    ? [prefix + name]
    : expand(field.message, rest, `${prefix}${name}.`);
}

function prefixesOf(path: string): string[] {
  const names = path.split(".");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("."));
}

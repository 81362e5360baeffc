import { create, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type FieldTree, fieldTree } from "../../src/message/field-tree.js";

/**
 * A copy of a message with the fields at the paths, and the messages on the way to them. Like the scanners of encoded
 * messages, it keeps messages and elements of lists that are set but of which no field is read.
 */
export function reduceMessage<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
  paths: readonly string[],
): MessageShape<Desc> {
  const tree = fieldTree(paths);
  return (tree === true ? message : reduce(desc, message, tree)) as MessageShape<Desc>;
}

function reduce(desc: DescMessage, message: object, tree: FieldTree): object {
  const reduced = create(desc) as unknown as Record<string, unknown>;
  for (const [name, below] of Object.entries(tree)) {
    const field = desc.fields.find((one) => one.name === name);
    if (field === undefined) throw new Error(`${desc.typeName} has no field ${name}`);
    const value = read(message, field);
    if (value === undefined) continue;
    const kept = below === true ? value : reduceField(field, value, below);
    if (field.oneof === undefined) reduced[field.localName] = kept;
    else reduced[field.oneof.localName] = { case: field.localName, value: kept };
  }
  return reduced;
}

function reduceField(field: DescField, value: unknown, tree: FieldTree): unknown {
  const { message } = field;
  if (message === undefined || field.fieldKind === "map") throw new Error(`${field} has no fields`);
  return Array.isArray(value)
    ? value.map((element: object) => reduce(message, element, tree))
    : reduce(message, value as object, tree);
}

function read(message: object, field: DescField): unknown {
  const properties = message as Readonly<Record<string, unknown>>;
  if (field.oneof === undefined) return properties[field.localName];
  const one = properties[field.oneof.localName] as { case?: string; value?: unknown };
  return one.case === field.localName ? one.value : undefined;
}

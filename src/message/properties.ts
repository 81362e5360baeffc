import { type DescField, type DescMessage, isFieldSet, type Message, ScalarType } from "@bufbuild/protobuf";

/** The properties of a message by name: its fields, and its oneofs as {@link Oneof}. */
export type Properties = Record<string, unknown>;

/** The property of a oneof. */
export interface Oneof {
  readonly case?: string | undefined;
  readonly value?: unknown;
}

/** Gives access to the properties of a message of any type. */
export function propertiesOf(message: Message): Properties {
  // protobuf-es stores each field, and each oneof, as a property.
  return message as unknown as Properties;
}

/** The value of a oneof; `{}` if the message is undefined. */
export function oneofOf(properties: Properties | undefined, name: string): Oneof {
  // The property of a oneof always has this form.
  return (properties?.[name] as Oneof | undefined) ?? NO_CASE;
}

const NO_CASE: Oneof = {};

/** Returns the reader of a field's property: undefined if the field is unset and has presence. */
export function propertyReader({ localName, oneof }: DescField): (message: Message) => unknown {
  if (oneof === undefined) return (message) => propertiesOf(message)[localName];
  const group = oneof.localName;
  return (message) => {
    const { case: name, value } = oneofOf(propertiesOf(message), group);
    return name === localName ? value : undefined;
  };
}

/** Sets a field. Another case of its oneof is removed. */
export function setProperty(message: Message, { localName, oneof }: DescField, value: unknown): void {
  const properties = propertiesOf(message);
  if (oneof === undefined) properties[localName] = value;
  else properties[oneof.localName] = { case: localName, value };
}

/**
 * Returns the test for whether a field is set: scalars without presence are unset if they are zero, lists and maps if
 * they are empty.
 */
export function presenceTest(field: DescField): (message: Message) => boolean {
  const { localName, oneof, fieldKind } = field;
  if (oneof !== undefined) {
    const group = oneof.localName;
    return (message) => oneofOf(propertiesOf(message), group).case === localName;
  }
  if (fieldKind === "message") return (message) => propertiesOf(message)[localName] !== undefined;
  if (fieldKind === "list") {
    // The property of a list field is always an array.
    return (message) => (propertiesOf(message)[localName] as readonly unknown[]).length > 0;
  }
  return (message) => isFieldSet(message, field);
}

/** The default of a scalar or enum field, in the representation of protobuf-es. */
export function defaultOf(field: DescField & { fieldKind: "scalar" | "enum" }): unknown {
  return (
    field.getDefaultValue() ??
    (field.fieldKind === "enum" ? (field.enum.values[0]?.number ?? 0) : zeroOf(field.scalar))
  );
}

/** The zero of a scalar type, in the representation of protobuf-es. */
export function zeroOf(scalar: ScalarType): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BOOL:
      return false;
    case ScalarType.BYTES:
      return new Uint8Array(0);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return 0n;
    default:
      return 0;
  }
}

const fieldsByJsonName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The fields of a type by the names that they can have in JSON: in lowerCamelCase and as in the proto file. */
export function jsonFieldsOf(desc: DescMessage): ReadonlyMap<string, DescField> {
  let fields = fieldsByJsonName.get(desc);
  if (fields === undefined) {
    fields = new Map(
      desc.fields.flatMap((field) => [
        [field.jsonName, field],
        [field.name, field],
      ]),
    );
    fieldsByJsonName.set(desc, fields);
  }
  return fields;
}

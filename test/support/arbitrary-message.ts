import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import {
  type Any,
  AnySchema,
  anyPack,
  DurationSchema,
  FieldMaskSchema,
  isWrapperDesc,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

export interface ArbitraryMessageOptions {
  /** How deep messages may be nested; fields below that stay unset. */
  readonly depth?: number;
  /** The messages that a `google.protobuf.Any` may hold. Without any of them such fields stay unset. */
  readonly packed?: readonly DescMessage[];
}

/**
 * Messages of any type, built from its descriptor: every field may be unset or hold any value that both the binary
 * and the JSON form can carry, unknown enum numbers included. NaN is omitted, because it does not equal itself.
 */
export function arbitraryMessage<Desc extends DescMessage>(
  schema: Desc,
  { depth = 6, packed = [] }: ArbitraryMessageOptions = {},
): fc.Arbitrary<MessageShape<Desc>> {
  const known = wellKnown(schema, packed);
  // The arbitrary was found by the name of the schema, so it makes messages of the type of the schema.
  if (known !== undefined) return known as fc.Arbitrary<MessageShape<Desc>>;
  const members = schema.members
    .map((member) => [member.localName, memberValue(member, { depth, packed })] as const)
    .filter(([, value]) => value !== undefined);
  const model = Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>;
  return (
    fc
      .record(model, { requiredKeys: [] })
      // Each value was made for the member of that name.
      .map((init) => create(schema, init as MessageInitShape<Desc>))
  );
}

type Settings = Required<ArbitraryMessageOptions>;

function memberValue(member: DescField | DescOneof, settings: Settings): fc.Arbitrary<unknown> | undefined {
  if (member.kind === "field") return fieldValue(member, settings);
  const cases = member.fields.flatMap((field) => {
    const value = fieldValue(field, settings);
    return value === undefined ? [] : [fc.record({ case: fc.constant(field.localName), value })];
  });
  return cases.length > 0 ? fc.oneof(...cases) : undefined;
}

function fieldValue(field: DescField, settings: Settings): fc.Arbitrary<unknown> | undefined {
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar, field.longAsString);
    case "enum":
      return enumNumber(field.enum);
    case "message":
      // A wrapper is a plain value in a regular field, but not in a oneof.
      return isWrapperDesc(field.message) && field.oneof === undefined
        ? scalar(field.message.fields[0].scalar, false)
        : message(field.message, settings);
    case "list": {
      const element =
        field.listKind === "scalar"
          ? scalar(field.scalar, field.longAsString)
          : field.listKind === "enum"
            ? enumNumber(field.enum)
            : message(field.message, settings);
      return element && fc.array(element, { maxLength: 3 });
    }
    case "map": {
      const value =
        field.mapKind === "scalar"
          ? scalar(field.scalar, false)
          : field.mapKind === "enum"
            ? enumNumber(field.enum)
            : message(field.message, settings);
      const key = scalar(field.mapKey, false)
        .map(String)
        .filter((text) => text !== "__proto__");
      return value && fc.array(fc.tuple(key, value), { maxLength: 3 }).map(Object.fromEntries);
    }
  }
}

function message(schema: DescMessage, { depth, packed }: Settings): fc.Arbitrary<unknown> | undefined {
  if (depth <= 0 || (schema.typeName === AnySchema.typeName && packed.length === 0)) return undefined;
  return arbitraryMessage(schema, { depth: depth - 1, packed });
}

function enumNumber(schema: DescEnum): fc.Arbitrary<number> {
  const known = fc.constantFrom(...schema.values.map((value) => value.number));
  return schema.open ? fc.oneof({ arbitrary: known, weight: 4 }, fc.integer()) : known;
}

function scalar(type: ScalarType, longAsString: boolean): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true });
    case ScalarType.FLOAT:
      return fc.float({ noNaN: true });
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return fc.integer();
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 0xffffffff });
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return long(-(2n ** 63n), 2n ** 63n - 1n, longAsString);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return long(0n, 2n ** 64n - 1n, longAsString);
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return fc.oneof(fc.string(), fc.string({ unit: "binary" }));
    case ScalarType.BYTES:
      return fc.uint8Array();
  }
}

function long(min: bigint, max: bigint, asString: boolean): fc.Arbitrary<unknown> {
  const value = fc.bigInt({ min, max });
  return asString ? value.map(String) : value;
}

const nanos = fc.integer({ min: 0, max: 999_999_999 });

/** Messages of google.protobuf whose JSON form allows less than their fields do. */
function wellKnown(schema: DescMessage, packed: readonly DescMessage[]): fc.Arbitrary<unknown> | undefined {
  switch (schema.typeName) {
    case "google.protobuf.Timestamp":
      // The years 1 to 9999.
      return fc
        .record({ seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }), nanos })
        .map((init) => create(TimestampSchema, init));
    case "google.protobuf.Duration":
      // About 10,000 years to either side; both parts have the same sign.
      return fc
        .record({
          sign: fc.constantFrom(1, -1),
          seconds: fc.bigInt({ min: 0n, max: 315_576_000_000n }),
          nanos,
        })
        .map(
          ({ sign, seconds, nanos }) =>
            create(DurationSchema, { seconds: BigInt(sign) * seconds, nanos: sign * nanos + 0 }), // not -0
        );
    case "google.protobuf.FieldMask":
      return fc
        .array(fc.stringMatching(/^[a-z]{1,5}(_[a-z]{1,5})?(\.[a-z]{1,5}(_[a-z]{1,5})?)?$/), { maxLength: 3 })
        .map((paths) => create(FieldMaskSchema, { paths }));
    case "google.protobuf.Any":
      return packed.length === 0 ? fc.constant(create(AnySchema)) : fc.oneof(...packed.map(packedAny));
    case "google.protobuf.Struct":
    case "google.protobuf.Value":
    case "google.protobuf.ListValue":
      throw new Error(`no arbitrary for ${schema.typeName}`);
    default:
      return undefined;
  }
}

function packedAny(schema: DescMessage): fc.Arbitrary<Any> {
  return arbitraryMessage(schema).map((value) => anyPack(schema, value));
}

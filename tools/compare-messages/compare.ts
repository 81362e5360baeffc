import { execFileSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import {
  createFileRegistry,
  type DescField,
  type DescFile,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const BUF = join(import.meta.dirname, "../../node_modules/.bin/buf");

/** A difference between two versions of a file; undefined for what does not exist. */
export interface Difference {
  /** The full name of a message, a field, an enum or an enum value. */
  readonly name: string;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

/**
 * Reads a .proto file with buf. Imports are resolved from the directory above that of the file: those of
 * `api/v1/observer/observer.proto` from `api/v1`.
 */
export function readProto(path: string): DescFile {
  const file = resolve(path);
  const root = dirname(dirname(file));
  const image = execFileSync(BUF, ["build", root, "--path", file, "-o", "-#format=binpb"], {
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const found = [...registry.files].find(({ name }) => file === resolve(root, `${name}.proto`));
  if (found === undefined) throw new Error(`${path}: buf returned no descriptor`);
  return found;
}

/**
 * Compares the messages and enums of two versions of a file by their full names: types, numbers, labels, oneofs and
 * deprecation of fields, numbers of enum values, and the order of declaration, in which Hubble prints JSON.
 */
export function compareMessages(ours: DescFile, theirs: DescFile): Difference[] {
  const [mine, others] = [describeTypes(ours), describeTypes(theirs)];
  const names = new Set([...mine.keys(), ...others.keys()]);
  return [...names].flatMap((name): Difference[] => {
    const [one, other] = [mine.get(name), others.get(name)];
    if (one?.text !== other?.text) return [{ name, ours: one?.text, theirs: other?.text }];
    const [order, otherOrder] = [orderOf(one, other), orderOf(other, one)];
    return order === otherOrder ? [] : [{ name, ours: order, theirs: otherOrder }];
  });
}

/** Formats a difference as one line. */
export function formatDifference({ name, ours, theirs }: Difference): string {
  if (ours === undefined) return `${name}: missing here; ${theirs}`;
  if (theirs === undefined) return `${name}: missing there; ${ours}`;
  return `${name}: ${ours} here, ${theirs} there`;
}

/** What is compared of a name. */
interface Description {
  readonly text: string;
  /** The fields or values in the order of their declaration. */
  readonly members: readonly string[];
}

function describeTypes(file: DescFile): ReadonlyMap<string, Description> {
  const found = new Map<string, Description>();
  for (const type of nestedTypes(file)) {
    if (type.kind === "message") {
      found.set(type.typeName, { text: "message", members: type.fields.map(({ name }) => name) });
      for (const field of type.fields)
        found.set(`${type.typeName}.${field.name}`, { text: describeField(field), members: [] });
    } else if (type.kind === "enum") {
      found.set(type.typeName, { text: "enum", members: type.values.map(({ name }) => name) });
      for (const { name, number, deprecated } of type.values)
        found.set(`${type.typeName}.${name}`, { text: withMark(`= ${number}`, deprecated), members: [] });
    }
  }
  return found;
}

function describeField(field: DescField): string {
  const label = field.fieldKind === "list" ? "repeated " : "";
  const type =
    field.fieldKind === "map"
      ? `map<${scalarName(field.mapKey)}, ${elementType(field)}>`
      : elementType(field);
  const oneof = field.oneof === undefined ? "" : ` in oneof ${field.oneof.name}`;
  return withMark(`${label}${type} = ${field.number}${oneof}`, field.deprecated);
}

function elementType({ message, enum: type, scalar }: DescField): string {
  return message?.typeName ?? type?.typeName ?? scalarName(scalar!);
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}

function withMark(text: string, deprecated: boolean): string {
  return deprecated ? `${text} [deprecated]` : text;
}

/** The order of the members that both have. */
function orderOf(one: Description | undefined, other: Description | undefined): string {
  const common = new Set(other?.members);
  return `order ${one?.members.filter((name) => common.has(name)).join(", ")}`;
}

// Descriptors of protobuf-es that are decoded when one of their properties is first read.
//
// A descriptor is an empty object first, with getters in its prototype. The first read decodes the whole file, and gives
// each of these objects the properties and the prototype that protobuf-es would have given it. They also take the place of
// protobuf-es' objects wherever descriptors of the file refer to each other, so that `field.message === FlowSchema` holds.
//
// This file imports no values: protobuf-es' own descriptors use it while the modules of protobuf-es are being loaded.
import type { DescEnum, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";

type Desc = DescFile | DescMessage | DescEnum | DescService;

interface UnbuiltFile {
  readonly decode: () => DescFile;
  readonly shells: Map<Desc, (file: DescFile) => Desc>;
}

/** The file of each descriptor that has no properties yet. */
const unbuilt = new WeakMap<Desc, UnbuiltFile>();

/** Returns the descriptor of a file. */
export function lazyFile(decode: () => DescFile): DescFile {
  const shell: DescFile = Object.create(PROTOTYPES.file);
  unbuilt.set(shell, { decode, shells: new Map([[shell, (file) => file]]) });
  return shell;
}

/** Returns a descriptor in a file. */
export function lazyPart<T extends Desc>(kind: T["kind"], file: DescFile, find: (file: DescFile) => T): T {
  const pending = unbuilt.get(file);
  if (pending === undefined) return find(file);
  const shell: T = Object.create(PROTOTYPES[kind]);
  pending.shells.set(shell, find);
  unbuilt.set(shell, pending);
  return shell;
}

function build(pending: UnbuiltFile): void {
  const file = pending.decode();
  const parts = [...pending.shells].map(([shell, find]) => [find(file), shell] as const);
  replaceReferences(file, new Map<unknown, Desc>(parts));
  for (const [built, shell] of parts) {
    unbuilt.delete(shell);
    Object.setPrototypeOf(shell, Object.prototype);
    Object.defineProperties(shell, Object.getOwnPropertyDescriptors(built));
  }
}

/** Replaces the keys of the map by its values in all properties, lists and tables of the descriptors of a file. */
function replaceReferences(file: DescFile, shellOf: ReadonlyMap<unknown, Desc>): void {
  const fileShell = shellOf.get(file);
  const seen = new Set<object>([file]);
  for (const object of seen as Set<Record<string, unknown>>) {
    for (const key in object) {
      const value = object[key];
      // `proto` is a message. Other files are complete.
      if (typeof value !== "object" || value === null || key === "proto" || key === "dependencies") continue;
      if ("file" in value && value.file !== file && value.file !== fileShell) continue;
      const shell = shellOf.get(value);
      if (shell !== undefined) object[key] = shell;
      seen.add(value);
    }
  }
}

const SHARED = ["kind", "proto", "deprecated", "name", "toString"];
const TYPE = ["typeName", "file"];

const PROTOTYPES: { readonly [K in Desc["kind"]]: object } = {
  file: lazyPrototype([...SHARED, "edition", "dependencies", "enums", "messages", "extensions", "services"]),
  message: lazyPrototype([
    ...[...SHARED, ...TYPE, "parent", "field", "fields", "oneofs", "members"],
    ...["nestedEnums", "nestedMessages", "nestedExtensions"],
  ]),
  enum: lazyPrototype([...SHARED, ...TYPE, "parent", "open", "value", "values", "sharedPrefix"]),
  service: lazyPrototype([...SHARED, ...TYPE, "method", "methods"]),
};

function lazyPrototype(properties: readonly string[]): object {
  const prototype = {};
  for (const property of properties) {
    Object.defineProperty(prototype, property, {
      get(this: Desc) {
        const pending = unbuilt.get(this);
        if (pending !== undefined) build(pending);
        return (this as unknown as Record<string, unknown>)[property];
      },
    });
  }
  return prototype;
}

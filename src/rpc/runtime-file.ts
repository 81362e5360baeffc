import {
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** A field of a message described at run time: `[name, number, type, oneof]`; the type ends with `[]` if repeated. */
export type RuntimeField = readonly [name: string, number: number, type: string, oneof?: string];

export interface RuntimeFileInit {
  readonly package: string;
  readonly messages: Readonly<Record<string, readonly RuntimeField[]>>;
  /** Value names in order of their numbers from 0; enums are nested: `HealthCheckResponse.ServingStatus`. */
  readonly enums?: Readonly<Record<string, readonly string[]>>;
  readonly service: string;
  /** Methods as `[name, input, output, kind]`. */
  readonly methods: readonly (readonly [string, string, string, "unary" | "server" | "bidi"])[];
}

const SCALARS: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  int32: FieldDescriptorProto_Type.INT32,
};

/**
 * Builds the descriptors of a small well-known service at run time, so that only Hubble's own messages are generated.
 */
export function runtimeService(init: RuntimeFileInit): { file: DescFile; service: DescService } {
  const proto = create(FileDescriptorProtoSchema, {
    name: `${init.package.replaceAll(".", "/")}/${init.service.toLowerCase()}.proto`,
    package: init.package,
    syntax: "proto3",
    messageType: Object.entries(init.messages).map(([name, fields]) => messageOf(init, name, fields)),
    service: [
      {
        name: init.service,
        method: init.methods.map(([name, input, output, kind]) => ({
          name,
          inputType: `.${init.package}.${input}`,
          outputType: `.${init.package}.${output}`,
          clientStreaming: kind === "bidi",
          serverStreaming: kind !== "unary",
        })),
      },
    ],
  });
  const registry = createFileRegistry(proto, () => undefined);
  const service = registry.getService(`${init.package}.${init.service}`)!;
  return { file: service.file, service };
}

function messageOf(
  { package: packageName, enums = {} }: RuntimeFileInit,
  name: string,
  fields: readonly RuntimeField[],
): MessageInitShape<typeof FileDescriptorProtoSchema>["messageType"] extends readonly (infer T)[] | undefined
  ? T
  : never {
  const oneofs = [...new Set(fields.flatMap(([, , , oneof]) => oneof ?? []))];
  return {
    name,
    field: fields.map(([fieldName, number, type, oneof]) => {
      const repeated = type.endsWith("[]");
      const base = repeated ? type.slice(0, -2) : type;
      const scalar = SCALARS[base];
      const fallback = base in enums ? FieldDescriptorProto_Type.ENUM : FieldDescriptorProto_Type.MESSAGE;
      return {
        name: fieldName,
        number,
        label: repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
        type: scalar ?? fallback,
        ...(scalar === undefined && { typeName: `.${packageName}.${base}` }),
        ...(oneof !== undefined && { oneofIndex: oneofs.indexOf(oneof) }),
      };
    }),
    oneofDecl: oneofs.map((oneof) => ({ name: oneof })),
    enumType: Object.entries(enums)
      .filter(([path]) => path.startsWith(`${name}.`))
      .map(([path, values]) => ({
        name: path.slice(name.length + 1),
        value: values.map((value, number) => ({ name: value, number })),
      })),
  };
}

import {
  type DescFile,
  type DescMethodBiDiStreaming,
  type DescService,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { checkArgument } from "../../errors/check-argument.js";
import { aListOf, isObject, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import { runtimeService } from "../runtime-file.js";
import { limitCalls } from "./call-limit.js";

// https://github.com/grpc/grpc-proto/blob/master/grpc/reflection/v1/reflection.proto; v1alpha differs only in its name.
const VERSIONS = ["grpc.reflection.v1", "grpc.reflection.v1alpha"].map((packageName) =>
  runtimeService({
    package: packageName,
    service: "ServerReflection",
    messages: {
      ServerReflectionRequest: [
        ["host", 1, "string"],
        ["file_by_filename", 3, "string", "message_request"],
        ["file_containing_symbol", 4, "string", "message_request"],
        ["file_containing_extension", 5, "ExtensionRequest", "message_request"],
        ["all_extension_numbers_of_type", 6, "string", "message_request"],
        ["list_services", 7, "string", "message_request"],
      ],
      ExtensionRequest: [
        ["containing_type", 1, "string"],
        ["extension_number", 2, "int32"],
      ],
      ServerReflectionResponse: [
        ["valid_host", 1, "string"],
        ["original_request", 2, "ServerReflectionRequest"],
        ["file_descriptor_response", 4, "FileDescriptorResponse", "message_response"],
        ["all_extension_numbers_response", 5, "ExtensionNumberResponse", "message_response"],
        ["list_services_response", 6, "ListServiceResponse", "message_response"],
        ["error_response", 7, "ErrorResponse", "message_response"],
      ],
      FileDescriptorResponse: [["file_descriptor_proto", 1, "bytes[]"]],
      ExtensionNumberResponse: [
        ["base_type_name", 1, "string"],
        ["extension_number", 2, "int32[]"],
      ],
      ListServiceResponse: [["service", 1, "ServiceResponse[]"]],
      ServiceResponse: [["name", 1, "string"]],
      ErrorResponse: [
        ["error_code", 1, "int32"],
        ["error_message", 2, "string"],
      ],
    },
    methods: [["ServerReflectionInfo", "ServerReflectionRequest", "ServerReflectionResponse", "bidi"]],
  }),
);

/** Descriptors of the reflection service, `v1` and `v1alpha`. */
export const ServerReflection: readonly DescService[] = VERSIONS.map(({ service }) => service);

const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
/** Maximum number of concurrent calls: tools make one call and end it. */
const MAX_CALLS = 64;

type ReflectionResponse = Record<string, unknown>;

/** The fields of a request; the generated types lack them because the descriptor is built at run time. */
interface ReflectionRequest {
  readonly messageRequest:
    | {
        readonly case:
          | "fileByFilename"
          | "fileContainingSymbol"
          | "listServices"
          | "allExtensionNumbersOfType";
        readonly value: string;
      }
    | { readonly case: "fileContainingExtension"; readonly value: unknown }
    | { readonly case: undefined };
}

const aServiceDescriptor: ValueCheck<DescService> = valueCheck(
  "the descriptor of a service",
  (value) => isObject(value) && "kind" in value && value.kind === "service",
);

/**
 * Creates routes for gRPC server reflection, so that tools such as grpcurl need no proto files. It describes the given
 * services and itself.
 */
export function reflectionRoutes(services: readonly DescService[]): (router: ConnectRouter) => void {
  checkArgument("reflectionRoutes", "services", services, aListOf(aServiceDescriptor));
  const exposed = [...services, ...ServerReflection];
  const files = new Map<string, DescFile>();
  for (const service of exposed) addFile(files, service.file);
  const fileOfSymbol = new Map(
    [...files.values()].flatMap((file) => symbolsOf(file).map((name) => [name, file])),
  );

  function respond({ messageRequest: query }: ReflectionRequest): object {
    switch (query.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: exposed.map(({ typeName }) => ({ name: typeName })) },
        };
      case "fileByFilename":
        return fileResponse(files.get(query.value), query.value);
      case "fileContainingSymbol":
        return fileResponse(fileOfSymbol.get(query.value), query.value);
      case "allExtensionNumbersOfType":
        return fileOfSymbol.has(query.value)
          ? { case: "allExtensionNumbersResponse", value: { baseTypeName: query.value, extensionNumber: [] } }
          : fault(NOT_FOUND, `not found: ${query.value}`);
      case "fileContainingExtension":
        return fault(NOT_FOUND, "there are no extensions");
      default:
        return fault(UNIMPLEMENTED, "unknown request");
    }
  }

  async function* info(
    requests: AsyncIterable<Message>,
  ): AsyncGenerator<ReflectionResponse, void, undefined> {
    for await (const request of requests) {
      // True because the methods of ServerReflection have this request type.
      const response = respond(request as unknown as ReflectionRequest);
      yield { originalRequest: request, messageResponse: response };
    }
  }

  const limited = limitCalls("reflection calls", MAX_CALLS, info);
  return (router) => {
    for (const { methods } of ServerReflection) router.rpc(methods[0] as DescMethodBiDiStreaming, limited);
  };
}

function addFile(files: Map<string, DescFile>, file: DescFile): void {
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, file);
  for (const dependency of file.dependencies) addFile(files, dependency);
}

/** The full names declared in a file: messages and enums at any depth, services, and their methods. */
function symbolsOf(file: DescFile): string[] {
  const names: string[] = [];
  function addMessages(messages: DescFile["messages"]): void {
    for (const message of messages) {
      names.push(message.typeName, ...message.nestedEnums.map(({ typeName }) => typeName));
      addMessages(message.nestedMessages);
    }
  }
  addMessages(file.messages);
  for (const { typeName } of file.enums) names.push(typeName);
  for (const { typeName, methods } of file.services) {
    names.push(typeName, ...methods.map(({ name }) => `${typeName}.${name}`));
  }
  return names;
}

function fileResponse(file: DescFile | undefined, name: string): object {
  if (file === undefined) return fault(NOT_FOUND, `not found: ${name}`);
  const needed = new Map<string, DescFile>();
  addFile(needed, file);
  const encoded = [...needed.values()].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: encoded } };
}

function fault(errorCode: number, errorMessage: string): object {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

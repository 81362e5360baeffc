import { create, createFileRegistry, fromBinary, type Message } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Recorder } from "../../../src/gen/recorder/recorder_pb.js";
import { Health, reflectionRoutes, ServerReflection } from "../../../src/rpc/index.js";

/** What a reflection answers, as the messages that are described at run time have it. */
interface Answer {
  readonly messageResponse: { readonly case: string; readonly value: Record<string, unknown> };
}

const transport = createRouterTransport(reflectionRoutes([Recorder, Health]));

describe.each(ServerReflection.map((service) => ({ name: service.typeName, service })))(
  "$name",
  ({ service }) => {
    async function ask(init: { case: string; value: unknown }): Promise<Answer["messageResponse"]> {
      const client = createClient(service, transport) as unknown as Record<
        string,
        (requests: AsyncIterable<unknown>) => AsyncIterable<Message & Answer>
      >;
      const requests = async function* () {
        yield { messageRequest: init };
      };
      for await (const answer of client.serverReflectionInfo!(requests())) return answer.messageResponse;
      throw new Error("no answer");
    }

    function filesOf(answer: Answer["messageResponse"]): FileDescriptorProto[] {
      expect(answer.case).toBe("fileDescriptorResponse");
      const encoded = answer.value.fileDescriptorProto as Uint8Array[];
      return encoded.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    }

    test("reflectionRoutes: lists the services, including reflection", async () => {
      const { value } = await ask({ case: "listServices", value: "*" });
      expect((value.service as { name: string }[]).map(({ name }) => name)).toEqual([
        "recorder.Recorder",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ]);
    });

    test.each([
      "recorder.Recorder",
      "recorder.Recorder.Record",
      "recorder.RecordRequest",
      "recorder.Protocol",
      "grpc.health.v1.HealthCheckResponse.ServingStatus",
      "grpc.reflection.v1.ServerReflection",
    ])("describes %s with all that it depends on", async (symbol) => {
      const file = filesOf(await ask({ case: "fileContainingSymbol", value: symbol }));
      // The client can link the descriptors: no dependency is missing.
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
      const name = symbol === "recorder.Recorder.Record" ? "recorder.Recorder" : symbol;
      expect(registry.get(name)?.typeName).toBe(name);
    });

    test("reflectionRoutes: describes a file by its name; unknown names are NOT_FOUND", async () => {
      const [file] = filesOf(await ask({ case: "fileByFilename", value: "recorder/recorder.proto" }));
      expect(file?.package).toBe("recorder");
      for (const request of [
        { case: "fileByFilename", value: "no.proto" },
        { case: "fileContainingSymbol", value: "no.Such" },
        { case: "fileContainingExtension", value: {} },
        { case: "allExtensionNumbersOfType", value: "no.Such" },
      ]) {
        expect(await ask(request)).toMatchObject({ case: "errorResponse", value: { errorCode: 5 } });
      }
      expect(await ask({ case: "allExtensionNumbersOfType", value: "recorder.Filter" })).toMatchObject({
        case: "allExtensionNumbersResponse",
      });
    });
  },
);

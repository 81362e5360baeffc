import {
  create,
  type DescFile,
  type DescMessage,
  fromBinary,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import { describe, expect, test, vi } from "vitest";
import { file_flow_flow } from "../../../src/gen/flow/flow_pb.js";
import { file_observer_observer } from "../../../src/gen/observer/observer_pb.js";
import { file_relay_relay } from "../../../src/gen/relay/relay_pb.js";
import { enumDesc, fileDesc, messageDesc, serviceDesc } from "../../../tools/build/lazy-codegen.js";
import { lazyFile, lazyPart } from "../../../tools/build/lazy-descriptor.js";

/** The argument of `fileDesc` in generated code. */
function encoded({ proto }: DescFile): string {
  return base64Encode(toBinary(FileDescriptorProtoSchema, { ...proto, dependency: [] }));
}

function lazyFlow() {
  const file = fileDesc(encoded(file_flow_flow), file_flow_flow.dependencies);
  // By their position in the file, as generated code does.
  const messages = file_flow_flow.messages.map((_, index) => messageDesc(file, index));
  const enums = file_flow_flow.enums.map((_, index) => enumDesc(file, index));
  return { file, messages, enums };
}

describe("lazy descriptors", () => {
  test("are decoded once, when a property of one of them is read", () => {
    const decode = vi.fn(() => file_flow_flow);
    const file = lazyFile(decode);
    const [first, second] = [0, 1].map((index) =>
      lazyPart("message", file, (built) => built.messages[index]!),
    );
    expect(decode).not.toHaveBeenCalled();
    expect(first?.typeName).toBe(file_flow_flow.messages[0]?.typeName);
    expect(second?.fields.length).toBe(file_flow_flow.messages[1]?.fields.length);
    expect(file.name).toBe("flow/flow");
    expect(decode).toHaveBeenCalledTimes(1);
  });

  test("have the own properties and the prototype of those of protobuf-es", () => {
    const { file, messages, enums } = lazyFlow();
    expect(Object.keys(file.proto)).toEqual(Object.keys(file_flow_flow.proto));
    const pairs: [object, object][] = [
      [file, file_flow_flow],
      ...messages.map((message, index): [object, object] => [message, file_flow_flow.messages[index]!]),
      ...enums.map((desc, index): [object, object] => [desc, file_flow_flow.enums[index]!]),
    ];
    for (const [lazy, eager] of pairs) {
      expect(Object.keys(lazy)).toEqual(Object.keys(eager));
      expect(Object.getPrototypeOf(lazy)).toBe(Object.prototype);
      expect(String(lazy)).toBe(String(eager));
    }
  });

  test("refer to each other in every property of a file", () => {
    const { file, messages, enums } = lazyFlow();
    const byName = new Map([...messages, ...enums].map((desc) => [desc.typeName, desc]));
    expect(file.messages).toEqual(messages);
    for (const message of file.messages) {
      expect(byName.get(message.typeName)).toBe(message);
      expect(message.file).toBe(file);
      for (const field of message.fields) {
        expect(field.parent).toBe(message);
        expect(message.field[field.localName]).toBe(field);
        const type = field.message ?? field.enum;
        if (type?.file.name === "flow/flow" && type.parent === undefined) {
          expect(type).toBe(byName.get(type.typeName));
        }
      }
      for (const oneof of message.oneofs) expect(oneof.parent).toBe(message);
    }
    for (const { values, ...desc } of file.enums) {
      expect(desc.file).toBe(file);
      for (const value of values) expect(value.parent).toBe(byName.get(desc.typeName));
    }
  });

  test("refer to descriptors of other files, and to nested ones", () => {
    const { file, messages } = lazyFlow();
    const relay = fileDesc(encoded(file_relay_relay), []);
    const dependencies = file_observer_observer.dependencies.map((dependency) => {
      if (dependency.name === "flow/flow") return file;
      return dependency.name === "relay/relay" ? relay : dependency;
    });
    const observer = fileDesc(encoded(file_observer_observer), dependencies);
    const service = serviceDesc(observer, 0);
    const index = file_observer_observer.messages.findIndex(({ name }) => name === "GetFlowsResponse");
    const response = messageDesc(observer, index);
    expect(service.method.getFlows?.output).toBe(response);
    const flow = messages.find(({ name }) => name === "Flow");
    expect(response.field.flow?.message).toBe(flow);
    expect(response.field.time?.message?.file).toBe(file_google_protobuf_timestamp);

    const filter = file_flow_flow.messages.findIndex(({ name }) => name === "FlowFilter");
    const experimental = messageDesc(file, filter, 0);
    expect(experimental.parent).toBe(messages[filter]);
    expect(messages[filter]?.field.experimental?.message).toBe(experimental);
  });

  test("encode and decode like those of protobuf-es", () => {
    const index = file_flow_flow.messages.findIndex(({ name }) => name === "Flow");
    const eager = file_flow_flow.messages[index]!;
    const flow = {
      uuid: "a",
      time: { seconds: 1n },
      l4: { protocol: { case: "TCP", value: { sourcePort: 1 } } },
    };
    const encode = (desc: DescMessage) => toBinary(desc, create(desc, flow as never));
    const { messages } = lazyFlow();
    expect(encode(messages[index]!)).toEqual(encode(eager));
    const json = (desc: DescMessage) => toJsonString(desc, fromBinary(desc, encode(eager)));
    expect(json(lazyFlow().messages[index]!)).toBe(json(eager));
  });
});

import {
  create,
  type DescMessage,
  equals,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFlowScan } from "../../src/message/decode-flow.js";
import { createResponseScan } from "../../src/message/decode-response.js";
import { type FieldTree, fieldTree } from "../../src/message/field-tree.js";
import { StringCache } from "../../src/message/wire/string-cache.js";
import { FlowSchema, GetFlowsResponseSchema } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { mutatedMessage } from "../support/mutate-message.js";
import { hasOverrun } from "../support/overruns.js";

const strings = new StringCache();

/** The paths of all fields of a message, also of those in nested messages. */
function pathsOf(schema: DescMessage): string[] {
  return schema.fields.flatMap(({ name, message }) => {
    const below = message === undefined || isWrapperDesc(message) ? [] : pathsOf(message);
    return [name, ...below.map((path) => `${name}.${path}`)];
  });
}

function anyTree(schema: DescMessage): fc.Arbitrary<FieldTree> {
  const paths = pathsOf(schema);
  return fc
    .array(fc.constantFrom(...paths), { maxLength: 6 })
    .map((list) => fieldTree(list))
    .filter((tree) => tree !== true);
}

/** The selected fields of a message, without unknown fields. A oneof of which a case is selected keeps its case. */
function pruned(schema: DescMessage, message: Message, tree: FieldTree | true): Message {
  const init: Record<string, unknown> = {};
  const prune = (type: DescMessage | undefined, value: unknown, below: FieldTree | true) =>
    type === undefined || typeof value !== "object" ? value : pruned(type, value as Message, below);
  const properties = message as unknown as Record<string, unknown>;
  for (const member of schema.members) {
    const value = properties[member.localName];
    if (member.kind === "oneof") {
      const { case: name, value: content } = value as { case?: string; value?: unknown };
      const field = member.fields.find((one) => one.localName === name);
      const isSelected = tree === true || member.fields.some((one) => tree[one.name] !== undefined);
      if (field === undefined || !isSelected) continue;
      const below = tree === true ? true : (tree[field.name] ?? {});
      init[member.localName] = { case: name, value: prune(field.message, content, below) };
      continue;
    }
    const below = tree === true ? true : tree[member.name];
    if (below === undefined || value === undefined) continue;
    init[member.localName] = Array.isArray(value)
      ? value.map((element) => prune(member.message, element, below))
      : prune(member.message, value, below);
  }
  return create(schema, init as MessageInitShape<DescMessage>);
}

const TYPES = [
  {
    name: "createFlowScan",
    schema: FlowSchema as DescMessage,
    scan: (tree: FieldTree | true) => createFlowScan(tree, strings) as Scan,
  },
  {
    name: "createResponseScan",
    schema: GetFlowsResponseSchema as DescMessage,
    scan: (tree: FieldTree | true) => createResponseScan(tree, strings) as Scan,
  },
];

type Scan = (bytes: Uint8Array, start: number, end: number) => Message;

describe.each(TYPES)("$name", ({ schema, scan }) => {
  const messages = arbitraryMessage(schema).map((message) => toBinary(schema, message));

  test("decodes the selected fields as fromBinary does, and no others", () => {
    fc.assert(
      fc.property(
        anyTree(schema),
        fc.array(fc.oneof(messages, mutatedMessage(messages)), { minLength: 1, maxLength: 4 }),
        fc.nat(9),
        (tree, list, padding) => {
          const scanTree = scan(tree);
          for (const bytes of list) {
            const buffer = new Uint8Array(bytes.length + 2 * padding).fill(0xff);
            buffer.set(bytes, padding);
            const read = () => scanTree(buffer, padding, padding + bytes.length);
            let reference: Message;
            try {
              reference = fromBinary(schema, bytes);
            } catch {
              expectMalformedOrMessage(read);
              continue;
            }
            if (hasOverrun(schema, bytes)) continue;
            const expected = pruned(schema, reference, tree);
            expect(read()).toEqual(expected);
            expect(equals(schema, read(), expected)).toBe(true);
          }
        },
      ),
      { numRuns: runs(8000) },
    );
  });

  test("returns the same message each time", () => {
    const scanTree = scan({});
    expect(scanTree(new Uint8Array(), 0, 0)).toBe(scanTree(new Uint8Array(), 0, 0));
  });

  test("returns a new message each time if everything is selected", () => {
    const scanAll = scan(true);
    expect(scanAll(new Uint8Array(), 0, 0)).not.toBe(scanAll(new Uint8Array(), 0, 0));
  });

  test("rejects a field that the message does not have", () => {
    expect(() => scan({ verdicts: true })).toThrow(`${schema.typeName} does not have a field verdicts`);
  });
});

describe("createFlowScan", () => {
  test("creates the elements of long lists anew, so that the memory is bounded", () => {
    const scan = createFlowScan({ source: { workloads: true } }, strings);
    const workloads = Array.from({ length: 200 }, (_, index) => ({ name: `workload-${index}` }));
    const bytes = toBinary(FlowSchema, create(FlowSchema, { source: { workloads } }));
    const first = [...scan(bytes, 0, bytes.length).source!.workloads];
    expect(first.map(({ name }) => name)).toEqual(workloads.map(({ name }) => name));
    const second = scan(bytes, 0, bytes.length).source!.workloads;
    expect(second.filter((element, index) => element === first[index]).length).toBe(64);
  });

  test("does not notice damage within a field that it skips", () => {
    const flow = create(FlowSchema, { verdict: 2, source: { podName: "web" } });
    const bytes = toBinary(FlowSchema, flow);
    // The length of the name of the pod.
    bytes[bytes.indexOf(0x2a) + 1] = 200;
    expect(createFlowScan({ verdict: true }, strings)(bytes, 0, bytes.length).verdict).toBe(2);
    const scanPods = createFlowScan({ source: { pod_name: true } }, strings);
    expectMalformed(() => scanPods(bytes, 0, bytes.length));
  });
});

function expectMalformed(read: () => unknown): void {
  expect(read).toThrow(expect.objectContaining({ name: "FlowscribeError", code: "malformed_message" }));
}

/** Damage within a field that is skipped is not noticed. */
function expectMalformedOrMessage(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ name: "FlowscribeError", code: "malformed_message" });
  }
}

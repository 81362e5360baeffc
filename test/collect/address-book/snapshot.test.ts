import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AddressBookSnapshot, createAddressBook } from "../../../src/collect/index.js";
import { OptionsError } from "../../../src/errors/errors.js";
import { runs } from "../../support/amount.js";
import { learntFlow } from "../oracle.js";

const name = { kind: "name", address: "10.0.0.1", name: "a", from: 1, to: 2, until: 3 } as const;
const service = {
  kind: "service",
  address: "::1",
  port: 80,
  namespace: "a",
  name: "b",
  from: 1,
  to: 2,
} as const;
const endpoint = {
  kind: "endpoint",
  address: "10.0.0.1",
  ID: 1,
  identity: 300,
  clusterName: "",
  namespace: "a",
  podName: "b",
  labels: ["k8s:a=b"],
  workloads: [{ name: "w", kind: "Deployment" }],
  from: 1,
  to: 2,
} as const;
const link = { kind: "interface", node: "n", index: 1, name: "lxc1", from: 1, to: 2 } as const;

describe("the snapshot of an address book", () => {
  test("contains each kind of entry in its documented form", () => {
    const snapshot: AddressBookSnapshot = { version: 1, latest: 2, entries: [name, service, endpoint, link] };
    expect(JSON.parse(JSON.stringify(createAddressBook({ snapshot })))).toEqual(snapshot);
  });

  test("of an empty book is empty", () => {
    expect(createAddressBook().toJSON()).toEqual({ version: 1, latest: null, entries: [] });
  });

  test("gives a book that is equal, and stays equal when both learn", () => {
    const some = fc.array(learntFlow, { maxLength: 30 });
    fc.assert(
      fc.property(some, some, fc.integer({ min: 1, max: 60 }), (before, after, maxEntries) => {
        const book = createAddressBook({ maxEntries });
        for (const flow of before) book.learn(flow);
        const snapshot: AddressBookSnapshot = JSON.parse(JSON.stringify(book));
        const restored = createAddressBook({ maxEntries, snapshot });
        expect(restored.toJSON()).toEqual(snapshot);
        for (const flow of after) for (const one of [book, restored]) one.learn(flow);
        expect(restored.toJSON()).toEqual(book.toJSON());
      }),
      { numRuns: runs(1000) },
    );
  });

  test.each<[object, string[]]>([
    [{ version: 2, latest: null, entries: [] }, ["snapshot.version"]],
    [{ version: 1, latest: "x", entries: {} }, ["snapshot.latest", "snapshot.entries"]],
    [{ version: 1, latest: null, entries: [], more: 1 }, ["snapshot.more"]],
    [{}, ["snapshot.version", "snapshot.latest", "snapshot.entries"]],
  ])("with the head %j is rejected", (snapshot, paths) => {
    expect(pathsOf(snapshot)).toEqual(paths);
  });

  test.each<[unknown, string[]]>([
    [null, [""]],
    [{ ...name, kind: "nome" }, [".kind"]],
    [{ ...name, kind: "toString" }, [".kind"]],
    [{ ...name, address: "10.0.0" }, [".address"]],
    [{ ...name, from: 5 }, [".to"]],
    [{ ...name, until: Number.POSITIVE_INFINITY }, [".until"]],
    [{ ...name, from: 1e300 }, [".from"]],
    [{ ...name, port: 1 }, [".port"]],
    [{ ...service, port: 65_536 }, [".port"]],
    [
      { ...endpoint, labels: ["a", 1], workloads: [{}] },
      [".labels[1]", ".workloads[0].name", ".workloads[0].kind"],
    ],
    [{ ...endpoint, identity: -1 }, [".identity"]],
    [{ ...link, node: 1 }, [".node"]],
  ])("with the entry %j is rejected", (entry, paths) => {
    const snapshot = { version: 1, latest: null, entries: [name, entry] };
    expect(pathsOf(snapshot)).toEqual(paths.map((path) => `snapshot.entries[1]${path}`));
  });

  test("with many faults is not checked to its end", () => {
    expect(pathsOf({ version: 1, latest: null, entries: new Array(100_000).fill(0) })).toHaveLength(100);
  });
});

function pathsOf(snapshot: object): string[] {
  try {
    createAddressBook({ snapshot: snapshot as AddressBookSnapshot });
  } catch (error) {
    if (error instanceof OptionsError) return error.issues.map(({ path }) => path);
    throw error;
  }
  return [];
}

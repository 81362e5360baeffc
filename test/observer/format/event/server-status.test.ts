import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { formatServerStatus } from "../../../../src/observer/format.js";
import { ServerStatusResponseSchema } from "../../../../src/proto.js";

type StatusInit = MessageInitShape<typeof ServerStatusResponseSchema> & { $typeName?: never };

const full: StatusInit = {
  numFlows: 12285n,
  maxFlows: 12285n,
  seenFlows: 1234567n,
  uptimeNs: 3_661_500_000_000n,
  numConnectedNodes: 3,
  numUnavailableNodes: 0,
  version: "1.16.2",
  flowsRate: 26.42,
};
const lines = (init: StatusInit) => formatServerStatus(create(ServerStatusResponseSchema, init)).split("\n");

describe("formatServerStatus: compact", () => {
  test("prints the same as hubble status", () => {
    expect(lines(full)).toEqual([
      "Current/Max Flows: 12,285/12,285 (100.00%)",
      "Flows/s: 26.42",
      "Connected Nodes: 3/3",
    ]);
  });

  test.each<{ name: string; init: StatusInit; expected: string[] }>([
    { name: "an empty status", init: {}, expected: ["Current/Max Flows: 0/0", "Flows/s: N/A"] },
    {
      name: "the mean without a rate",
      init: { seenFlows: 5n, uptimeNs: 2_000_000_000n },
      expected: ["Current/Max Flows: 0/0", "Flows/s: 2.50"],
    },
    {
      name: "no mean beyond Go's duration",
      init: { seenFlows: 5n, uptimeNs: 2n ** 63n },
      expected: ["Current/Max Flows: 0/0", "Flows/s: N/A"],
    },
    {
      name: "connected nodes without the total",
      init: { numConnectedNodes: 2 },
      expected: ["Current/Max Flows: 0/0", "Flows/s: N/A", "Connected Nodes: 2"],
    },
    {
      name: "sorted and unnamed unavailable nodes",
      init: { numConnectedNodes: 2, numUnavailableNodes: 3, unavailableNodes: ["b", "a\n"] },
      expected: [
        "Current/Max Flows: 0/0",
        "Flows/s: N/A",
        "Connected Nodes: 2/5",
        "Unavailable Nodes: 3",
        "  - a\\n",
        "  - b",
        "  - and 1 more...",
      ],
    },
    {
      name: "unavailable nodes without names",
      init: { numUnavailableNodes: 3 },
      expected: ["Current/Max Flows: 0/0", "Flows/s: N/A", "Unavailable Nodes: 3"],
    },
    {
      name: "large numbers",
      init: { numFlows: 2n ** 64n - 1n, maxFlows: 1n },
      expected: [
        "Current/Max Flows: 18,446,744,073,709,551,615/1 (1844674407370955161600.00%)",
        "Flows/s: N/A",
      ],
    },
  ])("prints $name", ({ init, expected }) => {
    expect(lines(init)).toEqual(expected);
  });
});

test("formatServerStatus: prints a record and a table", () => {
  const status = create(ServerStatusResponseSchema, full);
  expect(formatServerStatus(status, { output: "dict" }).split("\n")).toEqual([
    "          NUM FLOWS: 12,285",
    "          MAX FLOWS: 12,285",
    "         SEEN FLOWS: 1,234,567",
    "   FLOWS PER SECOND: 26.42",
    "             UPTIME: 1h1m1.5s",
    "NUM CONNECTED NODES: 3",
    " NUM UNAVAIL. NODES: 0",
    "            VERSION: 1.16.2",
  ]);
  expect(formatServerStatus(status, { output: "table" }).split("\n")).toEqual([
    "NUM FLOWS   MAX FLOWS   SEEN FLOWS   FLOWS PER SECOND   UPTIME     NUM CONNECTED NODES   NUM UNAVAILABLE NODES   VERSION",
    "12,285      12,285      1,234,567    26.42              1h1m1.5s   3                     0                       1.16.2",
  ]);
  expect(formatServerStatus(create(ServerStatusResponseSchema), { output: "dict" })).toMatch(
    /PER SECOND: N\/A\n.*UPTIME: 0s\n.*NODES: N\/A\n.*NODES: N\/A\n {12}VERSION: $/,
  );
});

import { describe, expect, test } from "vitest";
import { checkFlowLogs, type FlowLogConfig, type FlowLogsFile } from "../../../src/observer/index.js";

const good: FlowLogConfig = {
  name: "dropped",
  filePath: "/var/run/cilium/hubble/dropped.log",
  fieldMask: ["verdict", "source.pod_name"],
  includeFilters: [{ verdict: ["DROPPED"] }],
  excludeFilters: [{ sourcePod: ["kube-system/"] }],
  end: "2026-12-01T00:00:00Z",
};

const requiredIn = (index: number) => [
  `flowLogs[${index}].name: name is required`,
  `flowLogs[${index}].filePath: filePath is required`,
];

describe("checkFlowLogs", () => {
  test.each([
    { name: "none", flowLogs: [], faults: [] },
    { name: "accepts a valid configuration", flowLogs: [good], faults: [] },
    { name: "two", flowLogs: [good, { name: "all", filePath: "/all.log", end: new Date(0) }], faults: [] },
    {
      name: "requires a name and a path",
      flowLogs: [{}],
      faults: ["flowLogs[0].name: name is required", "flowLogs[0].filePath: filePath is required"],
    },
    {
      name: "rejects duplicates",
      flowLogs: [good, good],
      faults: [
        "flowLogs[1].name: duplicated flowlog name dropped",
        "flowLogs[1].filePath: duplicated flowlog path /var/run/cilium/hubble/dropped.log",
      ],
    },
    {
      name: "rejects bad filters, masks and ends",
      flowLogs: [
        {
          ...good,
          fieldMask: ["verdict", "nonsense"],
          includeFilters: [{ source_port: ["80", "x"] }],
          excludeFilters: [{}, { source_ip: ["foo"] }],
          end: "tomorrow",
        },
      ],
      faults: [
        expect.stringContaining("flowLogs[0].end: must be a time of RFC 3339"),
        'flowLogs[0].fieldMask[1]: invalid fieldmask: invalid path "nonsense" for message "flow.Flow"',
        expect.stringContaining("flowLogs[0].includeFilters[0].source_port[1]: "),
        expect.stringContaining("flowLogs[0].excludeFilters[1].source_ip[0]: "),
      ],
    },
    {
      name: "accepts a document with flowLogs",
      flowLogs: { flowLogs: [good, {}] },
      faults: requiredIn(1),
    },
    { name: "accepts an empty file", flowLogs: { flowLogs: null }, faults: [] },
    {
      name: "accepts null for optional fields",
      flowLogs: [{ ...good, fieldMask: null, includeFilters: null, excludeFilters: null, end: null }],
      faults: [],
    },
    {
      name: "matches keys case-insensitively",
      flowLogs: { FlowLogs: [{ NAME: "a", filepath: "/a", fieldmask: ["verdict"], IncludeFilters: [] }] },
      faults: [],
    },
    {
      name: "rejects a mask that is a string",
      flowLogs: [{ ...good, fieldMask: "verdict,uuid" }],
      faults: ['flowLogs[0].fieldMask: must be a list, not "verdict,uuid"'],
    },
    {
      name: "rejects a mask of other types",
      flowLogs: [{ ...good, fieldMask: [null, 1] }],
      faults: [
        "flowLogs[0].fieldMask[0]: must be a string, not null",
        "flowLogs[0].fieldMask[1]: must be a string, not 1",
      ],
    },
    {
      name: "rejects filters that are not lists",
      flowLogs: [{ ...good, includeFilters: {}, excludeFilters: "x" }],
      faults: [
        "flowLogs[0].includeFilters: not a list of filters",
        "flowLogs[0].excludeFilters: not a list of filters",
      ],
    },
    {
      name: "rejects entries that are not objects",
      flowLogs: { flowLogs: [null, "x", good, [good]] },
      faults: [
        "flowLogs[0]: must be an object, not null",
        'flowLogs[1]: must be an object, not "x"',
        "flowLogs[3]: must be an object, not a list",
      ],
    },
    {
      name: "rejects unknown fields, wrong types",
      flowLogs: { flowLogs: [{ ...good, name: 5, fieldMasks: [], fileMaxSizeMb: "ten" }], version: 1 },
      faults: [
        "version: is not a field of the configuration; it has flowLogs only",
        "flowLogs[0].fieldMasks: not an option of a flow log; did you mean fieldMask?",
        "flowLogs[0].name: must be a string, not 5",
        'flowLogs[0].fileMaxSizeMb: must be an integer, not "ten"',
      ],
    },
    {
      name: "accepts rotation and aggregation of each log",
      flowLogs: {
        flowLogs: [
          { ...good, fileMaxSizeMb: 1, fileMaxBackups: -1, fileCompress: true, fieldAggregate: ["verdict"] },
          { name: "b", filePath: "stdout", fileMaxSizeMb: 0, aggregationInterval: "1m30s" },
          { name: "c", filePath: "/c", fieldAggregate: null, aggregationInterval: 30e9, fileCompress: null },
        ],
      },
      faults: [],
    },
    {
      name: "rejects rotation and aggregation that cannot be applied",
      flowLogs: [
        {
          ...good,
          fileMaxSizeMb: -1,
          fileMaxBackups: 1.5,
          fileCompress: "yes",
          fieldAggregate: ["verdict", "x"],
          aggregationInterval: "-1s",
        },
        { name: "b", filePath: "/b", fieldAggregate: "verdict", aggregationInterval: -1 },
      ],
      faults: [
        "flowLogs[0].fileMaxBackups: must be an integer, not 1.5",
        'flowLogs[0].fileCompress: must be true or false, not "yes"',
        'flowLogs[0].aggregationInterval: must be a duration of at least 0, such as 30s, or nanoseconds, not "-1s"',
        "flowLogs[0].fileMaxSizeMb: -1 is negative",
        'flowLogs[0].fieldAggregate[1]: invalid fieldmask: invalid path "x" for message "flow.Flow"',
        "flowLogs[1].aggregationInterval: must be a duration of at least 0, such as 30s, or nanoseconds, not -1",
        'flowLogs[1].fieldAggregate: must be a list, not "verdict"',
      ],
    },
    {
      name: "rejects times that Go does not parse",
      flowLogs: [
        { name: "a", filePath: "/a", end: "2023-10-09" },
        { name: "b", filePath: "/b", end: "Oct 9 2023" },
        { name: "c", filePath: "/c", end: "2023-10-09T23:59:59.999+02:00" },
        { name: "d", filePath: "/d", end: 5 },
        ...[
          "2023-02-29T00:00:00Z",
          "2023-04-31T00:00:00Z",
          "2023-00-01T00:00:00Z",
          "2023-10-00T00:00:00Z",
        ].map((end) => ({ name: end, filePath: end, end })),
        ...["2023-10-09T24:00:00Z", "2023-10-09T00:00:60Z", "2023-10-09T00:00:00+24:00"].map((end) => ({
          name: end,
          filePath: end,
          end,
        })),
        ...["2024-02-29T00:00:00Z", "2023-12-31T23:59:59-23:59", "0000-02-29T00:00:00Z"].map((end) => ({
          name: end,
          filePath: end,
          end,
        })),
      ],
      faults: [
        expect.stringContaining("flowLogs[0].end: must be a time of RFC 3339"),
        expect.stringContaining("flowLogs[1].end: must be a time of RFC 3339"),
        ...[3, 4, 5, 6, 7, 8, 9, 10].map((index) =>
          expect.stringContaining(`flowLogs[${index}].end: must be a time of RFC 3339`),
        ),
      ],
    },
    ...[null, "x", 5].map((flowLogs) => ({
      name: `rejects ${flowLogs} instead of a configuration`,
      flowLogs,
      faults: [
        `: must be an object with the list flowLogs, not ${typeof flowLogs === "string" ? '"x"' : flowLogs}`,
      ],
    })),
    {
      name: "rejects a list of another type",
      flowLogs: { flowLogs: "x" },
      faults: ['flowLogs: must be a list, not "x"'],
    },
  ])("$name", ({ flowLogs, faults }) => {
    // As a YAML parser returns them.
    const issues = checkFlowLogs(flowLogs as FlowLogConfig[]);
    expect(issues.map(({ path, message }) => `${path}: ${message}`)).toEqual(faults);
  });

  test("accepts a whole file as the package yaml parses it", () => {
    // flowLogs:
    //   - name: dropped
    //     filePath: /var/run/cilium/hubble/dropped.log
    //     fieldMask: [verdict]
    //     includeFilters: [{ verdict: [DROPPED], source_port: ["80"], reply: [false] }]
    //     excludeFilters:
    //     end: 2026-12-01T00:00:00Z
    //     fileMaxSizeMb: 20
    const log = {
      name: "dropped",
      filePath: "/var/run/cilium/hubble/dropped.log",
      fieldMask: ["verdict"],
      includeFilters: [{ verdict: ["DROPPED"], source_port: ["80"], reply: [false] }],
      excludeFilters: null,
      end: new Date("2026-12-01T00:00:00Z"),
      fileMaxSizeMb: 20,
    };
    const parsed = { flowLogs: [log, { ...log, name: "again", filePath: "/again", end: null }] };
    expect(checkFlowLogs(parsed as unknown as FlowLogsFile)).toEqual([]);
  });

  test("checks filters as the version does", () => {
    const flowLogs = [
      { ...good, includeFilters: [{ sourceCluster_name: [] }, { source_cluster_name: [""] }] },
    ];
    const paths = checkFlowLogs(flowLogs as unknown as FlowLogConfig[], { hubble: "1.19" }).map(
      ({ path }) => path,
    );
    expect(paths).toContain("flowLogs[0].includeFilters[0].sourceCluster_name");
  });
});

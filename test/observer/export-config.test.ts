import { describe, expect, test } from "vitest";
import { checkFlowLogs, type FlowLogConfig } from "../../src/observer/index.js";

const good: FlowLogConfig = {
  name: "dropped",
  filePath: "/var/run/cilium/hubble/dropped.log",
  fieldMask: ["verdict", "source.pod_name"],
  includeFilters: [{ verdict: ["DROPPED"] }],
  excludeFilters: [{ sourcePod: ["kube-system/"] }],
  end: "2026-12-01T00:00:00Z",
};

describe("checkFlowLogs", () => {
  test.each([
    { name: "none", flowLogs: [], faults: [] },
    { name: "a good one", flowLogs: [good], faults: [] },
    { name: "two", flowLogs: [good, { name: "all", filePath: "/all.log", end: new Date(0) }], faults: [] },
    {
      name: "nothing in it",
      flowLogs: [{}],
      faults: ["flowLogs[0].name: name is required", "flowLogs[0].filePath: filePath is required"],
    },
    {
      name: "the same twice",
      flowLogs: [good, good],
      faults: [
        "flowLogs[1].name: duplicated flowlog name dropped",
        "flowLogs[1].filePath: duplicated flowlog path /var/run/cilium/hubble/dropped.log",
      ],
    },
    {
      name: "filters, mask and end that are wrong",
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
        'flowLogs[0].fieldMask[1]: invalid fieldmask: invalid path "nonsense" for message "flow.Flow"',
        expect.stringContaining("flowLogs[0].includeFilters[0].source_port[1]: "),
        expect.stringContaining("flowLogs[0].excludeFilters[1].source_ip[0]: "),
        "flowLogs[0].end: not a time",
      ],
    },
  ])("$name", ({ flowLogs, faults }) => {
    // As a YAML parser hands them over.
    const issues = checkFlowLogs(flowLogs as FlowLogConfig[]);
    expect(issues.map(({ path, message }) => `${path}: ${message}`)).toEqual(faults);
  });
});

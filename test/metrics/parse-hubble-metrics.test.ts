import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import { type HubbleMetrics, parseHubbleMetrics } from "../../src/metrics/index.js";

function faultsOf(configuration: unknown): string[] {
  try {
    parseHubbleMetrics(configuration as HubbleMetrics);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(OptionsError);
    return (error as OptionsError).message.split("\n");
  }
}

const option = (name: string, ...values: string[]) => ({ name, values });

describe("parseHubbleMetrics: a text", () => {
  test.each<[string, unknown]>([
    ["", []],
    ["drop", [{ name: "drop" }]],
    [" drop\n\ttcp ", [{ name: "drop" }, { name: "tcp" }]],
    ["dns:", [{ name: "dns" }]],
    ["dns:;query;", [{ name: "dns", contextOptions: [option("query")] }]],
    ["dns:query;ignoreAAAA", [{ name: "dns", contextOptions: [option("query"), option("ignoreAAAA")] }]],
    ["dns:query=true", [{ name: "dns", contextOptions: [option("query", "true")] }]],
    [
      "http:destinationContext=workload-name|reserved-identity;labelsContext=source_pod,traffic_direction",
      [
        {
          name: "http",
          contextOptions: [
            option("destinationContext", "workload-name", "reserved-identity"),
            option("labelsContext", "source_pod", "traffic_direction"),
          ],
        },
      ],
    ],
    // As Hubble: in any case, and separated by bars or commas.
    [
      "flow:sourceContext=|dns||IP httpV2:Exemplars=true",
      [
        { name: "flow", contextOptions: [option("sourceContext", "dns", "ip")] },
        { name: "httpV2", contextOptions: [option("exemplars", "true")] },
      ],
    ],
    [
      "flow:SOURCECONTEXT=Pod,DNS,",
      [{ name: "flow", contextOptions: [option("sourceContext", "pod", "dns")] }],
    ],
    [
      "flow:labelsContext=source_ip||source_app",
      [{ name: "flow", contextOptions: [option("labelsContext", "source_ip", "source_app")] }],
    ],
  ])("%j", (text, expected) => {
    expect(parseHubbleMetrics(text)).toEqual(expected);
  });

  const known =
    "known are dns, drop, flow, flows-to-world, http, httpV2, icmp, kafka, policy, port-distribution, tcp";
  test.each<[string, string[]]>([
    ["tpc", ['tpc: "tpc" is not a metric; did you mean tcp? (at character 1)']],
    ["drop  sctp-chunks", [`sctp-chunks: "sctp-chunks" is not a metric; ${known} (at character 7)`]],
    [":query", [`"" is not a metric; ${known} (at character 1)`]],
    ["dns,drop", ['dns,drop: "dns,drop" is not a metric; metrics are separated by spaces (at character 1)']],
    ["HTTP", ['HTTP: "HTTP" is not a metric; did you mean http? (at character 1)']],
    ["dns:qery", ['dns:qery: "qery" is not an option of dns; did you mean query? (at character 5)']],
    [
      "drop:query",
      [
        'drop:query: "query" is not an option of drop; known are sourceContext, sourceEgressContext, sourceIngressContext, ' +
          "destinationContext, destinationEgressContext, destinationIngressContext, labelsContext (at character 6)",
      ],
    ],
    [
      "flow:sourceContext=pods|podname",
      [
        'flow:sourceContext: "pods" is not a context; did you mean pod? (at character 20)',
        'flow:sourceContext: "podname" is not a context; did you mean pod-name? (at character 25)',
      ],
    ],
    [
      "flow:sourceContext=",
      [
        "flow:sourceContext: sourceContext needs a value: identity, namespace, pod, pod-name, dns, ip, reserved-identity, " +
          "workload, workload-name, app (at character 6)",
      ],
    ],
    [
      "flow:labelsContext=Source_pod,x",
      [
        'flow:labelsContext: "Source_pod" is not a label of labelsContext; did you mean source_pod? (at character 20)',
        'flow:labelsContext: "x" is not a label of labelsContext; known are source_ip, source_pod, source_namespace, ' +
          "source_workload, source_workload_kind, source_app, destination_ip, destination_pod, destination_namespace, " +
          "destination_workload, destination_workload_kind, destination_app, traffic_direction (at character 31)",
      ],
    ],
    ["dns:query=no", ['dns:query: query takes no value, not "no" (at character 11)']],
    ["dns:query=true,true", ['dns:query: query takes no value, not "true,true" (at character 11)']],
    ["httpV2:exemplars", ["httpV2:exemplars: exemplars needs a value: true or false (at character 8)"]],
    ["http:exemplars=1", ['http:exemplars: exemplars must be true or false, not "1" (at character 16)']],
    ["drop tcp drop", ["drop: drop is given twice (at character 10)"]],
    ["dns:query;QUERY", ["dns:QUERY: query is given twice (at character 11)"]],
    ["httpV2 http", ["http: http and httpV2 have the same series; remove one of them (at character 8)"]],
    [
      "tpc drop:x dns:query=y",
      [
        'tpc: "tpc" is not a metric; did you mean tcp? (at character 1)',
        expect.stringMatching(/^drop:x: .* \(at character 10\)$/),
        'dns:query: query takes no value, not "y" (at character 22)',
      ],
    ],
  ])("%j has these faults", (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test("a long text has short faults", () => {
    const [fault = ""] = faultsOf("x".repeat(1_000_000));
    expect(fault.length).toBeLessThan(6000);
    expect(fault).toContain("is not a metric");
  });
});

describe("parseHubbleMetrics: objects", () => {
  const includeFilters = [{ sourcePod: ["shop/"] }];

  test("accepts the parsed file, its list, and its own result", () => {
    const metrics = [
      { name: "flow", contextOptions: [option("sourceContext", "Dns", "ip")], includeFilters },
      { name: "dns", contextOptions: [option("query", ""), { name: "ignoreaaaa" }], excludeFilters: [] },
    ];
    const expected = [
      { name: "flow", contextOptions: [option("sourceContext", "dns", "ip")], includeFilters },
      { name: "dns", contextOptions: [option("query"), option("ignoreAAAA")] },
    ];
    expect(parseHubbleMetrics({ metrics })).toEqual(expected);
    expect(parseHubbleMetrics(metrics)).toEqual(expected);
    expect(parseHubbleMetrics(parseHubbleMetrics(metrics))).toEqual(expected);
  });

  test("null counts as absent", () => {
    const metrics = [{ name: "drop", contextOptions: null, includeFilters: null }];
    expect(parseHubbleMetrics({ metrics } as unknown as HubbleMetrics)).toEqual([{ name: "drop" }]);
    expect(parseHubbleMetrics({ metrics: null } as unknown as HubbleMetrics)).toEqual([]);
  });

  test.each<[string, unknown, string[]]>([
    ["a number", 5, ["metrics: must be a text, a list, or an object with the list metrics, not 5"]],
    [
      "another list",
      { flowLogs: [] },
      ["flowLogs: is not a field of the configuration; it has metrics only"],
    ],
    ["no list", { metrics: "drop" }, ['metrics: must be a list, not "drop"']],
    ["a hole", new Array(1), ["metrics[0]: must be an object, not undefined"]],
    ["no name", [{ contextOptions: [] }], ["metrics[0].name: is required"]],
    [
      "an unknown field",
      [{ name: "drop", contextOption: [] }],
      ["metrics[0].contextOption: not an option of a metric; did you mean contextOptions?"],
    ],
    [
      "options that are not objects",
      [{ name: "drop", contextOptions: ["query"] }],
      ['metrics[0].contextOptions[0]: must be an object, not "query"'],
    ],
    [
      "values that are not strings",
      [{ name: "drop", contextOptions: [{ name: "sourceContext", values: [1] }] }],
      ["metrics[0].contextOptions[0].values[0]: must be a string, not 1"],
    ],
    [
      "several faults",
      [
        {
          name: "drop",
          contextOptions: [option("sourceContext", "ip", "pods"), option("surceContext", "ip")],
        },
        { name: "drop", includeFilters: [{ source_ip: ["x"] }], excludeFilters: [{ surce_ip: [] }] },
      ],
      [
        'metrics[0].contextOptions[0].values[1]: "pods" is not a context; did you mean pod?',
        'metrics[0].contextOptions[1].name: "surceContext" is not an option of drop; did you mean sourceContext?',
        "metrics[1].name: drop is given twice",
        expect.stringMatching(/^metrics\[1\]\.includeFilters\[0\]\.source_ip\[0\]: /),
        expect.stringMatching(/^metrics\[1\]\.excludeFilters\[0\]\.surce_ip: /),
      ],
    ],
  ])("%s", (_, configuration, faults) => {
    expect(faultsOf(configuration)).toEqual(faults);
  });
});

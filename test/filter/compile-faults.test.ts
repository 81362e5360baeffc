import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkFlowFilters,
  compileFlowFilter,
  compileFlowFilters,
  type FlowFilterInit,
  type FlowFilterLists,
} from "../../src/filter/index.js";
import { sensibleFilter } from "./arbitrary.js";
import { faultsOf } from "./faults.js";

describe("checkFlowFilters, compileFlowFilters: faults", () => {
  test("of a single filter have no list in their path", () => {
    expect(faultsOf(() => compileFlowFilter({ sourcePort: ["80", "x"] }))).toEqual([
      'source_port[1]: invalid source port filter: invalid port "x": strconv.ParseUint: parsing "x": invalid syntax',
    ]);
  });

  test("of lists are all reported, in the order of the elements, allow before deny", () => {
    const lists: FlowFilterLists = {
      deny: [{ sourcePort: ["80", "x"] }, { sourcePod: [""] }],
      allow: [{}, { destinationIp: ["a", "1.1.1.1", "b/"], protocol: ["tcp", "xyz"] }],
    };
    const faults = [
      'allow[1].protocol[1]: invalid protocol filter: unknown protocol: "xyz"',
      'allow[1].destination_ip[0]: invalid IP address in filter: "a"',
      'allow[1].destination_ip[2]: invalid CIDR in filter: "b/"',
      'deny[0].source_port[1]: invalid source port filter: invalid port "x": strconv.ParseUint: parsing "x": invalid syntax',
      "deny[1].source_pod[0]: invalid filter, name must not be empty",
    ];
    expect(faultsOf(() => compileFlowFilters(lists))).toEqual(faults);
    expect(checkFlowFilters(lists).map(({ path, message }) => `${path}: ${message}`)).toEqual(faults);
    expect(() => compileFlowFilters(lists)).toThrow(faults.join("\n"));
  });

  test("are empty for lists that compile", () => {
    expect(
      checkFlowFilters({ allow: [{ sourceIdentity: [7] }, {}], deny: [{ sourceIdentity: [8] }] }),
    ).toEqual([]);
    expect(checkFlowFilters({})).toEqual([]);
  });

  test("of event types and values of an HTTP field are reported together", () => {
    const filter = { eventType: [{ type: 4 }], httpPath: ["(", "ok"] };
    expect(checkFlowFilters({ allow: [filter] }).map(({ path }) => path)).toEqual([
      "allow[0].http_path",
      "allow[0].http_path[0]",
    ]);
  });

  test.each([
    {
      filter: { sourceService: [""] },
      fault: "source_service[0]: invalid source service filter: invalid filter, name must not be empty",
    },
    {
      filter: { destinationService: ["a", ""] },
      fault:
        "destination_service[1]: invalid destination service filter: invalid filter, name must not be empty",
    },
    { filter: { sourceFqdn: [" . "] }, fault: "source_fqdn[0]: empty pattern" },
    { filter: { nodeName: ["a/b/c"] }, fault: "node_name[0]: too many slashes in pattern" },
    {
      filter: { sourceClusterName: ["one", ""] },
      fault: "source_cluster_name[1]: invalid filter, name must not be empty",
    },
    {
      filter: { destinationClusterName: [""] },
      fault: "destination_cluster_name[0]: invalid filter, name must not be empty",
    },
    {
      filter: { httpStatusCode: ["2x"] },
      fault: 'http_status_code[0]: invalid http status code filter: invalid status code prefix: "2x"',
    },
    {
      filter: { eventType: [{}], httpHeader: [{ key: "a" }] },
      fault:
        "http_header: filtering by http headers requires the event type filter to only match 'l7' events",
    },
    {
      filter: { experimental: { celExpression: ["true", "1"] } },
      fault:
        'experimental.cel_expression[1]: error compiling CEL expression: got "int", wanted "bool" result type',
    },
  ] satisfies { filter: FlowFilterInit; fault: string }[])("$fault", ({ filter, fault }) => {
    expect(faultsOf(() => compileFlowFilter(filter))).toEqual([fault]);
  });

  test.each([
    {
      filter: { httpPath: ["("] },
      begins: "http_path[0]: invalid http path filter: (: error parsing regexp: ",
    },
    {
      filter: { httpUrl: ["a", "(?!x)"] },
      begins: "http_url[1]: invalid http url filter: (?!x): error parsing regexp: ",
    },
    {
      filter: { dnsQuery: ["["] },
      begins: "dns_query[0]: invalid DNS query filter: failed to compile regexp: error parsing regexp: ",
    },
    {
      filter: { sourceLabel: ["a", `a=${"x".repeat(64)}`] },
      begins: "source_label[1]: invalid source label filter: ",
    },
    {
      filter: { destinationLabel: ["a,"] },
      begins: "destination_label[0]: invalid destination label filter: ",
    },
    { filter: { nodeLabels: ["$a"] }, begins: "node_labels[0]: invalid node label filter: " },
  ] satisfies { filter: FlowFilterInit; begins: string }[])("$begins…", ({ filter, begins }) => {
    const [fault, ...more] = faultsOf(() => compileFlowFilter(filter));
    expect(fault?.slice(0, begins.length)).toBe(begins);
    expect(more).toEqual([]);
  });

  test("of all fields are in the order of Hubble", () => {
    const faulty: FlowFilterInit = {
      experimental: { celExpression: ["1"] },
      destinationClusterName: [""],
      sourceClusterName: [""],
      nodeName: [""],
      httpHeader: [{}],
      httpUrl: ["("],
      httpPath: ["("],
      httpMethod: ["GET"],
      httpStatusCode: ["x"],
      eventType: [{ type: 1 }],
      destinationPort: ["x"],
      sourcePort: ["x"],
      nodeLabels: [" "],
      destinationLabel: [" "],
      sourceLabel: [" "],
      dnsQuery: ["("],
      destinationFqdn: [""],
      sourceFqdn: [""],
      destinationService: [""],
      sourceService: [""],
      destinationPod: [""],
      sourcePod: [""],
      sourceIpXlated: ["x"],
      destinationIp: ["x"],
      sourceIp: ["x"],
      protocol: ["x"],
    };
    const faults = checkFlowFilters({ allow: [faulty] }).map(({ path }) => path);
    expect(faults.join(" ").replaceAll("allow[0].", "")).toBe(
      "protocol[0] source_ip[0] destination_ip[0] source_ip_xlated[0] source_pod[0] destination_pod[0] source_service[0] destination_service[0] source_fqdn[0] destination_fqdn[0] dns_query[0] source_label[0] destination_label[0] node_labels[0] source_port[0] destination_port[0] http_status_code http_status_code[0] http_method http_path http_path[0] http_url http_url[0] http_header node_name[0] source_cluster_name[0] destination_cluster_name[0] experimental.cel_expression[0]",
    );
  });

  test("do not hide other faults", () => {
    const broken = fc.constantFrom<FlowFilterInit>(
      { sourceIp: ["x"] },
      { nodeName: [""] },
      { sourcePort: ["x"] },
    );
    const filters = fc.array(fc.oneof(broken, sensibleFilter), { maxLength: 8 });
    fc.assert(
      fc.property(filters, filters, (allow, deny) => {
        const one = (list: readonly FlowFilterInit[], name: string) =>
          list.flatMap((filter, index) =>
            faultsOf(() => compileFlowFilter(filter)).map((fault) => `${name}[${index}].${fault}`),
          );
        const expected = [...one(allow, "allow"), ...one(deny, "deny")];
        expect(faultsOf(() => compileFlowFilters({ allow, deny }))).toEqual(expected);
      }),
    );
  });
});

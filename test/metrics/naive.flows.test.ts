import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { createFlowMetrics } from "../../src/metrics/index.js";
import { decodeExport } from "../../src/observer/index.js";
import { decodeFlow, type Flow } from "../../src/proto.js";
import { everyNth, nth } from "../support/amount.js";
import { repository } from "../support/run.js";
import { describeWithShared, sharedPath } from "../support/shared.js";
import { expectNaiveTotals } from "./support.js";

const ALL_LABELS =
  "source_ip,source_pod,source_namespace,source_workload,source_workload_kind,source_app,destination_ip,destination_pod," +
  "destination_namespace,destination_workload,destination_workload_kind,destination_app,traffic_direction";
const EACH = [
  "identity|ip",
  "namespace",
  "pod",
  "pod-name|reserved-identity",
  "dns|ip",
  "reserved-identity|workload",
  "workload",
  "workload-name",
  "app|dns",
];

const CONFIGURATIONS = [
  "dns drop tcp flow port-distribution icmp httpV2 flows-to-world kafka policy",
  "dns:query;ignoreAAAA http flows-to-world:any-drop;port",
  "flows-to-world:syn-only;port",
  `httpV2:labelsContext=${ALL_LABELS} flow:labelsContext=${ALL_LABELS} kafka:labelsContext=source_pod,source_namespace`,
  ...EACH.map((context) => {
    const both = `sourceContext=${context};destinationContext=${context}`;
    return `flow:${both} httpV2:${both} drop:${both} dns:${both}`;
  }),
  "drop:sourceEgressContext=pod;destinationIngressContext=pod tcp:sourceContext=ip;sourceIngressContext=dns|app",
  "flow:destinationContext=dns|ip;destinationEgressContext=namespace httpV2:sourceContext=pod;destinationContext=ip",
];

async function compare(text: string, flows: readonly Flow[]): Promise<number> {
  const metrics = createFlowMetrics({ metrics: text, maxSeriesPerMetric: 100_000 });
  for (const flow of flows) metrics.observe(flow);
  return expectNaiveTotals(metrics, text, flows);
}

describe(`createFlowMetrics: on the flows of the benchmarks as a second implementation${nth(10)}`, () => {
  let flows: Flow[];
  beforeAll(() => {
    const bytes = gunzipSync(readFileSync(join(repository, "test/vectors/bench/flows.binpb.gz")));
    flows = everyNth(10, delimited(bytes)).map(decodeFlow);
  });

  test.each(CONFIGURATIONS)("%s", async (text) => {
    expect(await compare(text, flows)).toBeGreaterThan(0);
  });
});

describeWithShared("createFlowMetrics: on recorded flows as a second implementation", () => {
  test.each([
    ["flows", "basic-sample-330-dns-flows.json"],
    ["flows", "basic-sample-348-http-flows.json"],
    ["flows", "basic-sample-400-icmpv4-flows.json"],
    ["flows", "basic-sample-400-l7-redirected-flows.json"],
    ["flows", "basic-sample-400-tcp-flows.json"],
    ["flows", "basic-sample-400-udp-flows.json"],
  ])("%s/%s", async (...path) => {
    const flows: Flow[] = [];
    for await (const { responseTypes } of decodeExport(readFileSync(sharedPath(...path)))) {
      if (responseTypes.case === "flow") flows.push(responseTypes.value);
    }
    expect(flows.length).toBeGreaterThan(9);
    const sizes = [];
    for (const text of CONFIGURATIONS) sizes.push(await compare(text, flows));
    expect(Math.max(...sizes)).toBeGreaterThan(0);
  });
});

/** Messages with their lengths before them. */
function delimited(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}

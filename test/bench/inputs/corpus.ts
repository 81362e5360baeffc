import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { FlowFilterLists } from "../../../dist/filter/index.js";

const FOLDER = join(import.meta.dirname, "../../vectors/bench");

/** The 10,000 flows of the corpus, encoded. */
export function encodedFlows(): Uint8Array[] {
  const bytes = gunzipSync(readFileSync(join(FOLDER, "flows.binpb.gz")));
  const flows: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    flows.push(bytes.subarray(at, at + length));
    at += length;
  }
  return flows;
}

export interface NamedFilters extends FlowFilterLists {
  readonly name: string;
}

export function benchmarkFilters(): NamedFilters[] {
  return JSON.parse(readFileSync(join(FOLDER, "filters.json"), "utf8"));
}

/** Whether filters have CEL expressions, which have a benchmark of their own. */
export function hasCel({ allow, deny }: NamedFilters): boolean {
  return JSON.stringify([allow, deny]).includes("cel_expression");
}

/** The Go programs of the recorded figures. */
export const GO_PEERS = { Hubble: "1.16.2", Go: "1.23" } as const;

/** Real Hubble v1.16.2 filters in Go 1.23 on one core of such a machine: median CPU ns per flow (±25 %), and flows matched. */
export const GO_FIGURES: Readonly<Record<string, { readonly ns: number; readonly matched: number }>> = {
  "empty filter (no allow, no deny)": { ns: 4.9, matched: 10000 },
  uuid: { ns: 25.9, matched: 0 },
  verdict: { ns: 20.4, matched: 2364 },
  event_type: { ns: 41.2, matched: 1870 },
  "source_ip exact x3": { ns: 39.9, matched: 1374 },
  "source_ip CIDR v4+v6": { ns: 174.2, matched: 899 },
  source_pod: { ns: 49.4, matched: 1050 },
  destination_service: { ns: 34.9, matched: 29 },
  "destination_fqdn wildcard": { ns: 522.5, matched: 952 },
  "source_label equality": { ns: 2897.1, matched: 843 },
  "source_label set + not": { ns: 2804.4, matched: 1128 },
  source_workload: { ns: 83.2, matched: 100 },
  protocol: { ns: 67.6, matched: 7908 },
  destination_port: { ns: 76.8, matched: 3440 },
  reply: { ns: 61.6, matched: 5562 },
  tcp_flags: { ns: 88.3, matched: 1567 },
  source_identity: { ns: 43.9, matched: 978 },
  http_status_code: { ns: 42.1, matched: 375 },
  "http_path regex": { ns: 176.7, matched: 110 },
  "http_url regex": { ns: 74.1, matched: 181 },
  http_method: { ns: 68.6, matched: 414 },
  http_header: { ns: 65.4, matched: 374 },
  "dns_query regex": { ns: 49.7, matched: 345 },
  "node_name pattern": { ns: 711.3, matched: 1576 },
  node_labels: { ns: 546.8, matched: 2009 },
  interface: { ns: 27.3, matched: 551 },
  trace_id: { ns: 25.3, matched: 0 },
  "combo A: ns + dropped + egress": { ns: 41.4, matched: 188 },
  "combo B: labels + ports + deny list": { ns: 2080.5, matched: 397 },
  "combo C: 6 allow, 4 deny filters": { ns: 1581.9, matched: 2391 },
  "CEL simple enum": { ns: 668.7, matched: 2364 },
  "CEL typical": { ns: 1773.3, matched: 152 },
  "CEL macro on labels": { ns: 5546.6, matched: 3461 },
};

/** proto.Unmarshal of the corpus, ns per flow: how fast Go was there. */
export const GO_UNMARSHAL_NS = 5937;

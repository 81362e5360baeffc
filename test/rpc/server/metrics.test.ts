import { expect, test } from "vitest";
import { NO_TOTALS } from "../../../src/recorder/service/counters.js";
import { formatMetrics } from "../../../src/rpc/index.js";
import { identitiesOf } from "../../../src/rpc/peer.js";

test("formatMetrics: prints the text format of Prometheus, each metric with help and type, every line well-formed", () => {
  const text = formatMetrics({ ...NO_TOTALS, stopped: 3, packetsLostInKernel: 5 });
  expect(text).toContain(
    "# HELP flowscribe_recorder_calls_total Record calls that have ended, by how.\n" +
      "# TYPE flowscribe_recorder_calls_total counter\n" +
      'flowscribe_recorder_calls_total{result="stopped"} 3\n',
  );
  expect(text).toContain('flowscribe_recorder_packets_lost_total{where="kernel"} 5\n');
  for (const line of text.trimEnd().split("\n")) {
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[a-z]+"\})? \d+)$/);
  }
});

test.each([
  { names: 'DNS:a.example, URI:spiffe://x/y, email:"a, DNS:evil"@x', cn: undefined },
  { names: 'DNS:a.example, URI:"spiffe://x/y, DNS:admin"', cn: "me" },
])("identitiesOf: a name in a certificate cannot imitate two: $names", ({ names, cn }) => {
  const identities = identitiesOf({ subjectaltname: names, subject: { CN: cn } } as never);
  expect(identities).not.toContain("admin");
  expect(identities).not.toContain("evil");
  expect(identities[0]).toBe("a.example");
});

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileFlowFilter,
  compileFlowFilters,
  explainFlowFilters,
  type FlowFilterInit,
} from "../../../src/filter/index.js";
import { INDEX_SIZE } from "../../../src/filter/list-index/compile-group.js";
import { HUBBLE_VERSIONS } from "../../../src/hubble/version.js";
import { FlowSchema } from "../../../src/proto.js";
import { runs } from "../../support/amount.js";

const ADDRESSES = [
  "10.0.0.1",
  "10.0.0.129",
  "::ffff:10.0.0.1",
  "::ffff:a00:1",
  "::10.0.0.1",
  "fe80::1",
  "FE80::1",
];
const PREFIXES = [
  ...["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.128/25", "10.0.0.1/32", "192.0.2.0/24"],
  ...[
    "::/0",
    "::ffff:0:0/95",
    "::ffff:0:0/96",
    "::ffff:10.0.0.0/104",
    "::ffff:10.0.0.1/128",
    "::10.0.0.0/120",
  ],
  ...["fe80::/10", "fe80::1/128", "fd00::/8"],
];
const ofFlow = fc.constantFrom(...ADDRESSES, "fe80::1%eth0", "::ffff:10.0.0.1%x", "", "10.0.0", "host");
const filters: fc.Arbitrary<FlowFilterInit[]> = fc.array(
  fc.record({
    sourceIp: fc.subarray([...ADDRESSES, ...PREFIXES], { minLength: 1, maxLength: 3 }),
    verdict: fc.constantFrom([], ["DROPPED" as const]),
  }),
  { minLength: INDEX_SIZE, maxLength: 3 * INDEX_SIZE },
);

describe.each(HUBBLE_VERSIONS)("addressIndex: Hubble %s", (hubble) => {
  test("finds the filters that match one by one", () => {
    const seen = { matching: 0, other: 0 };
    fc.assert(
      fc.property(filters, fc.array(ofFlow, { minLength: 1 }), fc.boolean(), (allow, sources, isDropped) => {
        const all = compileFlowFilters({ allow }, { hubble });
        const single = allow.map((filter) => compileFlowFilter(filter, { hubble }));
        for (const source of sources) {
          const flow = create(FlowSchema, { IP: { source }, verdict: isDropped ? 2 : 1 });
          const expected = single.some((matches) => matches(flow));
          expect(all(flow)).toBe(expected);
          expect(explainFlowFilters({ allow }, flow, { hubble }).passes).toBe(expected);
          seen[expected ? "matching" : "other"]++;
        }
      }),
      { numRuns: runs(1000) },
    );
    expect(Math.min(seen.matching, seen.other)).toBeGreaterThan(10);
  });
});

describe("addressIndex: IPv4-mapped addresses", () => {
  const fill = Array.from({ length: INDEX_SIZE }, (_, index) => ({ sourceIp: [`192.0.2.${index}/32`] }));

  test.each([
    { prefix: "10.0.0.0/8", source: "::ffff:10.0.0.1", net: true, netip: false },
    { prefix: "0.0.0.0/0", source: "::ffff:10.0.0.1", net: true, netip: false },
    { prefix: "::ffff:10.0.0.0/104", source: "10.0.0.1", net: true, netip: false },
    { prefix: "::ffff:10.0.0.0/104", source: "::ffff:10.0.0.1", net: true, netip: true },
    { prefix: "::ffff:0:0/95", source: "::ffff:10.0.0.1", net: false, netip: true },
    { prefix: "::/0", source: "::ffff:10.0.0.1", net: false, netip: true },
    { prefix: "::/0", source: "10.0.0.1", net: false, netip: false },
  ])("$source in $prefix: $net in 1.16, $netip in 1.19", ({ prefix, source, net, netip }) => {
    const flow = create(FlowSchema, { IP: { source } });
    const filter = { sourceIp: [prefix] };
    const resultOf = (hubble: "1.16" | "1.19") => [
      compileFlowFilters({ allow: [filter] }, { hubble })(flow),
      compileFlowFilters({ allow: [...fill, filter] }, { hubble })(flow),
    ];
    expect(resultOf("1.16")).toEqual([net, net]);
    expect(resultOf("1.19")).toEqual([netip, netip]);
  });
});

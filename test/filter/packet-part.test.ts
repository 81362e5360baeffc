import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import {
  compileFlowFilters,
  FilterError,
  type FlowFilterInit,
  type FlowFilterLists,
  HUBBLE_VERSIONS,
  packetPart,
} from "../../src/filter/index.js";
import { RECORD_HEADER_LENGTH, recordEnd } from "../../src/packet/batch.js";
import { createFlowDecoder, type FlowOptions, PacketError, type PacketPart } from "../../src/packet/index.js";
import { type Flow, Verdict } from "../../src/proto.js";
import { packetWithLinkType } from "../packet/arbitrary.js";
import { bytes, ethernet, IPV4, ipv4 } from "../packet/build.js";
import { batchOf, ETHERNET, tcp } from "../packet/flow/frames.js";
import { runs } from "../support/amount.js";

const ADDRESSES = [
  ["10.0.0.1"],
  ["10.0.0.0/8"],
  ["192.168.7.9", "2001:db8::/32"],
  ["::/0"],
  ["::ffff:10.0.0.1"],
  ["::ffff:10.0.0.0/104", "::ffff:192.168.0.0/112"],
  ["fe80::1"],
];
const PORTS = [["53"], ["80", "443"], ["65535", "1"]];
const FIELDS: { readonly [field: string]: readonly unknown[] } = {
  sourceIp: ADDRESSES,
  destinationIp: ADDRESSES,
  sourceIpXlated: [["10.0.0.1"]],
  sourcePort: PORTS,
  destinationPort: PORTS,
  protocol: [["tcp"], ["udp", "sctp"], ["icmp"], ["http"], ["vrrp", "tcp"]],
  tcpFlags: [[{ SYN: true }], [{ ACK: true, NS: true }, { FIN: true }], [{}]],
  ipVersion: [[0], [1], [2, 0]],
  encrypted: [[false], [true]],
  // Not of the packet alone.
  verdict: [[Verdict.FORWARDED], [Verdict.VERDICT_UNKNOWN]],
  nodeName: [["node"], ["other"]],
  reply: [[true], [false]],
};

const filter = fc
  .subarray(Object.keys(FIELDS), { maxLength: 3 })
  .chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom(...(FIELDS[name] ?? []))]))),
  ) as fc.Arbitrary<FlowFilterInit>;
const lists: fc.Arbitrary<FlowFilterLists> = fc.record({
  allow: fc.array(filter, { maxLength: 3 }),
  deny: fc.array(filter, { maxLength: 2 }),
});

const hubble = fc.constantFrom(...HUBBLE_VERSIONS);

const OPTIONS: readonly (readonly [string, FlowOptions])[] = [
  ["as they are", { nodeName: "node" }],
  ["strict", { strict: true, nodeName: "node" }],
  ["through tunnels", { tunnels: true }],
  ["with replies guessed", { guessReplies: true }],
];

describe.each(OPTIONS)("packetPart: packets decoded %s", (_, options) => {
  test("leaves out no flow that the filters pass, and no others if it is exact", () => {
    let seen = 0;
    let skipped = 0;
    fc.assert(
      fc.property(
        lists,
        fc.array(packetWithLinkType(), { minLength: 1, maxLength: 6 }),
        hubble,
        (wanted, packets, hubble) => {
          const passes = compileFlowFilters(wanted, { hubble });
          const part = packetPart(wanted, { hubble });
          const whole = createFlowDecoder(options);
          const fast = createFlowDecoder(options);
          const predicate = part.predicate({
            ...(options.strict && { strict: true }),
            ...(options.tunnels && { tunnels: true }),
          });
          for (const { packet, linkType } of packets) {
            const batch = batchOf(linkType, packet);
            const [expected] = whole.decodeEach(batch);
            const found = fast.decodeAt(batch, 0, part);
            const matches = predicate(batch.records, RECORD_HEADER_LENGTH, recordEnd(batch, 0), linkType);
            seen++;
            if (expected instanceof PacketError) {
              expect(found).toEqual(expected);
              expect(matches).toBe(false);
              continue;
            }
            expect(found !== undefined).toBe(matches);
            if (found === undefined) skipped++;
            else expect(found).toEqual(expected);
            if (part.exact) expect(matches).toBe(passes(expected as Flow));
            else if (passes(expected as Flow)) expect(matches).toBe(true);
          }
          expect(fast.stats).toEqual(whole.stats);
        },
      ),
      { numRuns: runs(2000) },
    );
    expect(skipped).toBeGreaterThan(0);
    expect(skipped).toBeLessThan(seen);
  });
});

describe("packetPart", () => {
  const syn = ethernet(IPV4, ipv4({}, tcp()));

  test.each<[boolean, FlowFilterLists]>([
    [true, {}],
    [true, { allow: [{}] }],
    [true, { allow: [{ sourceIp: ["10.0.0.0/8"], tcpFlags: [{ SYN: true }] }], deny: [{ ipVersion: [2] }] }],
    [true, { allow: [{ protocol: ["http"] }] }],
    [false, { allow: [{ sourceIp: ["10.0.0.0/8"], sourcePod: ["default/"] }] }],
    [false, { allow: [{ sourcePort: ["1"] }, { uuid: ["a"] }] }],
    [false, { deny: [{ sourcePort: ["1"], uuid: ["a"] }] }],
  ])("is exact: %s, for %j", (exact, wanted) => {
    expect(packetPart(wanted).exact).toBe(exact);
  });

  test("keeps the fields of packets of an allow filter, and leaves out a deny filter with other fields", () => {
    const batch = batchOf(ETHERNET, syn);
    const decode = (wanted: FlowFilterLists) =>
      [...createFlowDecoder().decode(batch, packetPart(wanted))].length;
    expect(decode({ allow: [{ destinationPort: ["80"], uuid: ["a"] }] })).toBe(1);
    expect(decode({ allow: [{ destinationPort: ["81"], uuid: ["a"] }] })).toBe(0);
    expect(decode({ deny: [{ destinationPort: ["80"], uuid: ["a"] }] })).toBe(1);
    expect(decode({ deny: [{ destinationPort: ["80"] }] })).toBe(0);
  });

  test("does not report flags for a segment that is truncated before them", () => {
    const truncated = ethernet(IPV4, ipv4({}, bytes("03e8 0050")));
    const any = packetPart({ allow: [{ tcpFlags: [{}] }] });
    const decode = (packet: Uint8Array) =>
      [...createFlowDecoder().decode(batchOf(ETHERNET, packet), any)].length;
    expect([decode(syn), decode(truncated), decode(syn)]).toEqual([1, 0, 1]);
  });

  test("rejects invalid filters and options", () => {
    expect(() => packetPart({ allow: [{ sourcePort: ["x"] }] })).toThrow(FilterError);
    expect(() => packetPart({}, { unknown: 1 } as object)).toThrow(OptionsError);
    expect(() => packetPart({}).predicate({ strict: 1 } as object)).toThrow(OptionsError);
    const decode = () => [...createFlowDecoder().decode(batchOf(ETHERNET, syn), {} as PacketPart)];
    expect(decode).toThrow(new TypeError("decode: part must be what packetPart returns, not an object"));
  });
});

test("packetPart: addresses of packets are compared as the version of Hubble does", () => {
  const batch = batchOf(ETHERNET, ethernet(IPV4, ipv4({}, tcp())));
  const [flow] = [...createFlowDecoder().decode(batch)];
  const allow = [{ sourceIp: [`::ffff:${flow?.IP?.source}/128`] }];
  const decoded = (hubble: "1.16" | "1.19") =>
    [...createFlowDecoder().decode(batch, packetPart({ allow }, { hubble }))].length;
  expect([decoded("1.16"), decoded("1.19")]).toEqual([1, 0]);
});

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import {
  compileFlowFilters,
  FilterError,
  type FlowFilterInit,
  type FlowFilterLists,
  HUBBLE_VERSIONS,
  type HubbleVersion,
} from "../../src/filter/index.js";
import { kernelPart } from "../../src/filter/kernel-part.js";
import { RECORD_HEADER_LENGTH, recordEnd } from "../../src/packet/batch.js";
import { formatWider } from "../../src/packet/filter/wider-text.js";
import { createFlowDecoder } from "../../src/packet/index.js";
import type { Flow } from "../../src/proto.js";
import { describeSelection } from "../../src/source/describe-selection.js";
import { compileProgram } from "../../src/source/ebpf/program/program.js";
import { compileSelection } from "../../src/source/flow-selection.js";
import { compileExpression } from "../../src/source/libpcap/index.js";
import { anyPacketOf, packetWithLinkType } from "../packet/arbitrary.js";
import { readCorpus } from "../packet/corpus.js";
import { batchOf } from "../packet/flow/frames.js";
import { everyNth, runs } from "../support/amount.js";
import { describeWithShared } from "../support/shared.js";
import { interpret } from "./ebpf/interpreter.js";

const ADDRESSES = [
  ["10.0.0.1"],
  ["10.0.0.0/8"],
  ["192.168.7.9", "2001:db8::/32"],
  ["::/0"],
  ["0.0.0.0/0"],
  ["::ffff:10.0.0.1"],
  ["::ffff:10.0.0.0/104", "::ffff:192.168.0.0/112"],
  ["2001:db8::1"],
];
const PORTS = [["53"], ["80", "443"], ["65535", "1"], ["0"], ["53", "80", "443", "8080"]];
const FIELDS: { readonly [field: string]: readonly unknown[] } = {
  sourceIp: ADDRESSES,
  destinationIp: ADDRESSES,
  sourcePort: PORTS,
  destinationPort: PORTS,
  protocol: [["tcp"], ["udp", "SCTP"], ["icmp"], ["http"], ["vrrp", "tcp"], ["icmpv6", "igmp"]],
  tcpFlags: [[{ SYN: true }], [{ ACK: true, NS: true }, { FIN: true }], [{}]],
  ipVersion: [[0], [1], [2], [2, 0]],
  nodeName: [["node"], ["other"]],
};

const flowFilter = fc
  .subarray(Object.keys(FIELDS), { maxLength: 4 })
  .chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom(...(FIELDS[name] ?? []))]))),
  ) as fc.Arbitrary<FlowFilterInit>;
const lists: fc.Arbitrary<FlowFilterLists> = fc.record({
  allow: fc.array(flowFilter, { maxLength: 3 }),
  deny: fc.array(flowFilter, { maxLength: 1 }),
});

const ETHERNET = 1;
const RAW = 101;
const LAYERS: Readonly<Record<number, 2 | 3>> = { [ETHERNET]: 2, [RAW]: 3 };

interface Packet {
  readonly packet: Uint8Array;
  readonly linkType: number;
}

/** Whether each kernel program lets a packet pass; they are compiled once for a list and link type. */
async function kernelsOf(
  wanted: FlowFilterLists,
  tunnels: boolean,
  hubble: HubbleVersion,
  linkTypes: ReadonlySet<number>,
) {
  const { filters } = kernelPart(wanted, { hubble }, tunnels);
  const classic = new Map<number, (packet: Uint8Array) => boolean>();
  for (const linkType of linkTypes) {
    const text = filters && formatWider(filters, linkType);
    if (text === undefined) continue;
    const predicate = await compileExpression(text, { linkTypes: new Set([linkType]) });
    classic.set(linkType, (packet) => predicate(packet, 0, packet.length, linkType));
  }
  const programs = new Map(
    [2, 3].map((layer) => {
      const compiled = compileProgram(
        filters?.map(({ filter }) => filter),
        {
          layer: layer as 2 | 3,
          window: 65_535,
          answer: { kind: "report" },
          matchUnknown: true,
          tcpFlags: filters?.map(({ tcpFlags }) => tcpFlags),
        },
      );
      return [layer, { code: compiled.program.encode({ tables: 0 }), tables: compiled.tables }];
    }),
  );
  return ({ packet, linkType }: Packet) => {
    const layer = LAYERS[linkType];
    const program = layer === undefined ? undefined : programs.get(layer);
    return {
      classic: classic.get(linkType)?.(packet) ?? true,
      extended: program === undefined || interpret(program.code, program.tables, { packet }) === 1n,
    };
  };
}

const counts = { pairs: 0, passed: 0, excluded: 0 };

/** The differences between the filters on the flow, and the kernel's part followed by the rest. */
async function compare(
  wanted: FlowFilterLists,
  tunnels: boolean,
  packets: readonly Packet[],
  hubble: HubbleVersion = "1.16",
) {
  const passes = compileFlowFilters(wanted, { hubble });
  const { wanted: rest } = compileSelection({ ...wanted, hubble, tunnels });
  const kernels = await kernelsOf(wanted, tunnels, hubble, new Set(packets.map(({ linkType }) => linkType)));
  const decoder = createFlowDecoder({ tunnels, nodeName: "node" });
  const differences: string[] = [];
  for (const one of packets) {
    const batch = batchOf(one.linkType, one.packet);
    const [flow] = decoder.decodeEach(batch);
    const expected = passes(flow as Flow);
    const { classic, extended } = kernels(one);
    const inProcess = rest(batch.records, RECORD_HEADER_LENGTH, recordEnd(batch, 0), one.linkType);
    counts.pairs++;
    if (expected) counts.passed++;
    if (!classic || !extended) counts.excluded++;
    const found = {
      classic: classic && inProcess && passes(flow as Flow),
      extended: extended && inProcess && passes(flow as Flow),
    };
    for (const [kernel, result] of Object.entries(found)) {
      if (result === expected) continue;
      const hex = Buffer.from(one.packet).toString("hex");
      differences.push(
        `${kernel}: ${JSON.stringify(wanted)}, link type ${one.linkType}: ${expected} for ${hex}`,
      );
    }
  }
  return differences;
}

beforeAll(() => {
  counts.pairs = counts.passed = counts.excluded = 0;
});

test.each([false, true])(
  "kernelPart, then the rest: as the filters on the flow, with tunnels %s",
  async (tunnels) => {
    const packet = fc.oneof(
      packetWithLinkType(),
      fc
        .constantFrom(ETHERNET, RAW)
        .chain((linkType) => anyPacketOf(linkType).map((packet) => ({ packet, linkType }))),
    );
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.array(packet, { minLength: 20, maxLength: 20 }),
        fc.constantFrom(...HUBBLE_VERSIONS),
        async (wanted, packets, hubble) => {
          expect(await compare(wanted, tunnels, packets, hubble)).toEqual([]);
        },
      ),
      { numRuns: runs(2500) },
    );
    expect(counts.passed).toBeGreaterThan(0);
    expect(counts.excluded).toBeGreaterThan(0);
    expect(counts.pairs).toBeGreaterThanOrEqual(20 * runs(2500));
  },
);

describeWithShared("kernelPart with the packets of captures", () => {
  test("selects every packet whose flow passes the filters", async () => {
    const packets = everyNth(20, await readCorpus()).map(({ bytes, linkType }) => ({
      packet: bytes,
      linkType,
    }));
    const samples: readonly FlowFilterLists[] = [
      { allow: [{ destinationPort: ["53"], protocol: ["udp"] }] },
      { allow: [{ tcpFlags: [{ SYN: true }] }] },
      { allow: [{ ipVersion: [2] }, { sourceIp: ["10.0.0.0/8"], destinationPort: ["80", "443"] }] },
      { allow: [{ protocol: ["icmp"] }], deny: [{ sourceIp: ["192.168.0.0/16"] }] },
    ];
    for (const wanted of samples) {
      for (const tunnels of [false, true])
        expect((await compare(wanted, tunnels, packets)).slice(0, 5)).toEqual([]);
    }
  });
});

describe("compileSelection", () => {
  test("reports every fault with its path below flows", () => {
    expect(() => compileSelection({ allow: [{ sourcePort: ["x"] }] })).toThrow(
      /^flows\.allow\[0\]\.source_port\[0\]/,
    );
    expect(() => compileSelection({ deny: [{ sourceIp: ["y"] }] })).toThrow(FilterError);
  });

  test("rejects unknown options", () => {
    expect(() => compileSelection({ alow: [] } as object)).toThrow(OptionsError);
  });
});

test("describeSelection: where each filter is tested, and why", () => {
  const many = Array.from({ length: 100 }, (_, index) => `${index + 1}`);
  const text = describeSelection({
    allow: [
      { destinationPort: ["53"], protocol: ["udp"], sourcePod: ["kube-system/"] },
      { sourcePort: many, ipVersion: [1] },
    ],
    deny: [{ sourceIp: ["10.0.0.1"] }],
  });
  expect(text.split("\n").slice(0, 3)).toEqual([
    "allow[0]: protocol, destinationPort: tested in the kernel; sourcePod: tested on the flow, as packets do not contain them",
    "allow[1]: ipVersion: tested in the kernel; sourcePort: tested afterwards, as there are too many values",
    "deny[0]: tested after the kernel, which only selects packets of allow",
  ]);
  const flags = { tcpFlags: [{ SYN: true }, { ACK: true, SYN: true }, { FIN: true }] };
  expect(describeSelection({ allow: [flags] }).split("\n")[0]).toBe(
    "allow[0]: tcpFlags: tested in the kernel",
  );
  const ports = (first: number) => Array.from({ length: 10 }, (_, index) => `${first + index}`);
  const lists = Array.from({ length: 7 }, (_, index) => ({ ...flags, sourcePort: ports(1 + 10 * index) }));
  expect(describeSelection({ allow: lists }).split("\n")[6]).toBe(
    "allow[6]: sourcePort, protocol: tested in the kernel; tcpFlags: tested afterwards, as all filters have more than 256 combinations",
  );
  expect(describeSelection({ allow: [{ sourcePod: ["a/"] }] })).toBe(
    "allow[0]: the kernel selects every packet: no field of a packet is set\nexpression for libpcap: every packet\n",
  );
});

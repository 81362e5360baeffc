import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { FlowOptions } from "../../../../src/packet/index.js";
import { type FlowJson, FlowSchema } from "../../../../src/proto.js";
import { bytes, cookedV2, ethernet, IPV4, IPV6, ipv4, ipv6, uint16 } from "../../build.js";
import { ETHERNET, flowOf, layersOf, tcp, udp } from "../frames.js";

const INNER = ethernet(IPV4, ipv4({ source: "10.1.0.1", destination: "10.1.0.2" }, tcp()));
const INNER_JSON = {
  ethernet: { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" },
  IP: { source: "10.1.0.1", destination: "10.1.0.2", ipVersion: "IPv4" },
  l4: { TCP: { sourcePort: 1000, destinationPort: 80, flags: { SYN: true } } },
  Summary: "TCP Flags: SYN",
};
const VXLAN = "08000000 01e240 00";
const GENEVE = (protocol: string, words = 0) =>
  bytes(words, 0, protocol, "01e240 00", new Uint8Array(4 * words));

function overUdp(port: number, payload: Uint8Array, length = 8 + payload.length): Uint8Array {
  return ethernet(IPV4, ipv4({ protocol: 17 }, bytes(udp(40_000, port, "", length), payload)));
}

function tunnelOf(packet: Uint8Array, options: FlowOptions = { tunnels: true }): FlowJson["tunnel"] {
  return toJson(FlowSchema, flowOf(ETHERNET, packet, options)).tunnel;
}

const AROUND = (destinationPort: number) => ({
  IP: { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: "IPv4" },
  l4: { UDP: { sourcePort: 40_000, destinationPort } },
});

describe("decodeFlows: tunnels", () => {
  test.each([
    { name: "VXLAN on Linux's port", port: 8472, header: bytes(VXLAN), protocol: "VXLAN" },
    { name: "VXLAN on its own port", port: 4789, header: bytes(VXLAN), protocol: "VXLAN" },
    { name: "Geneve", port: 6081, header: GENEVE("6558"), protocol: "GENEVE" },
    { name: "Geneve with options", port: 6081, header: GENEVE("6558", 3), protocol: "GENEVE" },
  ])("$name: yields the flow of the inner packet", ({ port, header, protocol }) => {
    const packet = overUdp(port, bytes(header, INNER));
    expect(layersOf(flowOf(ETHERNET, packet, { tunnels: true }))).toEqual(INNER_JSON);
    expect(tunnelOf(packet)).toEqual({ protocol, vni: 123_456, ...AROUND(port) });
  });

  test("a first fragment outside or inside a tunnel has ports, a later fragment has no ports", () => {
    const firstOutside = ethernet(
      IPV4,
      ipv4({ protocol: 17, fragment: 0x2000 }, bytes(udp(40_000, 8472, "", 4096), VXLAN, INNER)),
    );
    expect(layersOf(flowOf(ETHERNET, firstOutside, { tunnels: true }))).toEqual(INNER_JSON);
    const addresses = { source: "10.1.0.1", destination: "10.1.0.2" };
    const inside = (flags: number) =>
      overUdp(8472, bytes(VXLAN, ethernet(IPV4, ipv4({ ...addresses, fragment: flags }, tcp()))));
    expect(layersOf(flowOf(ETHERNET, inside(0x2000), { tunnels: true }))).toEqual(INNER_JSON);
    const { ethernet: mac, IP } = INNER_JSON;
    expect(layersOf(flowOf(ETHERNET, inside(0x2001), { tunnels: true }))).toEqual({
      ethernet: mac,
      IP,
      Summary: "IPv4",
    });
  });

  test("Geneve may carry IP without Ethernet", () => {
    const packet = overUdp(6081, bytes(GENEVE("86dd"), ipv6({ nextHeader: 17 }, udp())));
    expect(layersOf(flowOf(ETHERNET, packet, { tunnels: true }))).toEqual({
      IP: { source: "2001:db8::1", destination: "2001:db8::2", ipVersion: "IPv6" },
      l4: { UDP: { sourcePort: 1000, destinationPort: 53 } },
      Summary: "UDP",
    });
  });

  test("over IPv6, with the interface of Linux cooked v2", () => {
    const packet = cookedV2(IPV6, ipv6({ nextHeader: 17 }, bytes(udp(1, 8472, "", 0), VXLAN, INNER)));
    const flow = flowOf(276, packet, { tunnels: true });
    expect(layersOf(flow)).toEqual(INNER_JSON);
    expect(flow.tunnel?.IP?.source).toBe("2001:db8::1");
    expect(flow.interface?.index).toBe(2);
  });

  test("replace the outer packet even if the inner packet is malformed", () => {
    const packet = overUdp(8472, bytes(VXLAN, INNER.slice(0, 13)));
    expect(layersOf(flowOf(ETHERNET, packet, { tunnels: true }))).toEqual({});
    expect(tunnelOf(packet)).toMatchObject({ protocol: "VXLAN", vni: 123_456 });
  });

  test("only the outermost tunnel is decoded", () => {
    const inside = overUdp(8472, bytes(VXLAN, INNER));
    const flow = flowOf(ETHERNET, overUdp(8472, bytes(VXLAN, inside)), { tunnels: true });
    expect(flow.l4?.protocol.value).toMatchObject({ destinationPort: 8472 });
    expect(flow.IP?.source).toBe("10.0.0.1");
  });

  test("end at the length of UDP", () => {
    const packet = overUdp(8472, bytes(VXLAN, INNER), 8 + 8 + 14 + 20);
    expect(layersOf(flowOf(ETHERNET, packet, { tunnels: true })).Summary).toBe("IPv4");
  });

  test.each([
    { name: "a VXLAN header without the flag", packet: overUdp(8472, bytes("00000000 01e240 00", INNER)) },
    { name: "a VXLAN header that is cut", packet: overUdp(8472, bytes("08000000 01e240")) },
    { name: "another version of Geneve", packet: overUdp(6081, bytes(GENEVE("6558", 64), INNER)) },
    { name: "a Geneve header that is cut", packet: overUdp(6081, bytes("0000 6558 01e240")) },
    { name: "Geneve options that are cut", packet: overUdp(6081, bytes("0100 6558 01e240 00")) },
    { name: "another port", packet: overUdp(9999, bytes(VXLAN, INNER)) },
    {
      name: "UDP that is cut",
      packet: ethernet(IPV4, ipv4({ protocol: 17 }, bytes(uint16(1), uint16(8472)))),
    },
    { name: "TCP", packet: ethernet(IPV4, ipv4({}, tcp({ destination: 8472 }))) },
  ])("are not recognized: $name", ({ packet }) => {
    expect(tunnelOf(packet)).toBeUndefined();
    expect(flowOf(ETHERNET, packet, { tunnels: true })).toEqual(flowOf(ETHERNET, packet));
  });

  test("are recognized by the ports of the option, which may omit a kind", () => {
    const packet = overUdp(9999, bytes(VXLAN, INNER));
    expect(tunnelOf(packet, { tunnels: { vxlan: [9999] } })?.protocol).toBe("VXLAN");
    expect(
      tunnelOf(overUdp(6081, bytes(GENEVE("6558"), INNER)), { tunnels: { vxlan: [9999] } }),
    ).toBeUndefined();
  });

  test.each([{}, { strict: true, tunnels: true }])("are not decoded with %j", (options) => {
    const flow = flowOf(ETHERNET, overUdp(8472, bytes(VXLAN, INNER)), options);
    expect([flow.Summary, flow.tunnel]).toEqual(["UDP", undefined]);
  });
});

import { expect, test } from "vitest";
import * as packet from "../../src/packet/index.js";
import {
  createLayers,
  isSupportedLinkType,
  linkTypeName,
  locateLayers,
  MAX_CAPTURED_LENGTH,
  maxCapturedLength,
} from "../../src/packet/index.js";
import { bytes, cookedV1, cookedV2, ethernet, IPV4, ipv4, ipv6 } from "./build.js";
import { flowOf, udp } from "./flow/frames.js";

// https://www.tcpdump.org/linktypes.html
test.each([
  { constant: "LINKTYPE_NULL", number: 0, name: "BSD loopback" },
  { constant: "LINKTYPE_ETHERNET", number: 1, name: "Ethernet" },
  { constant: "DLT_RAW", number: 12, name: "raw IP" },
  { constant: "DLT_RAW_OPENBSD", number: 14, name: "raw IP" },
  { constant: "LINKTYPE_RAW", number: 101, name: "raw IP" },
  { constant: "LINKTYPE_LOOP", number: 108, name: "OpenBSD loopback" },
  { constant: "LINKTYPE_LINUX_SLL", number: 113, name: "Linux cooked v1" },
  { constant: "LINKTYPE_IPV4", number: 228, name: "raw IPv4" },
  { constant: "LINKTYPE_IPV6", number: 229, name: "raw IPv6" },
  { constant: "LINKTYPE_LINUX_SLL2", number: 276, name: "Linux cooked v2" },
])("$constant is $number, $name", ({ constant, number, name }) => {
  expect({ ...packet }[constant]).toBe(number);
  expect(linkTypeName(number)).toBe(name);
  expect(maxCapturedLength(number)).toBe(MAX_CAPTURED_LENGTH);
});

test.each([2, 146, 300, 65_535])("linkTypeName: link type %i has no name but its number", (number) => {
  expect(linkTypeName(number)).toBe(`link type ${number}`);
});

test.each([
  { number: 9, name: "LINKTYPE_PPP (9)" },
  { number: 105, name: "LINKTYPE_IEEE802_11 (105)" },
  { number: 147, name: "LINKTYPE_USER0 (147)" },
  { number: 162, name: "LINKTYPE_USER15 (162)" },
  { number: 239, name: "LINKTYPE_NFLOG (239)" },
])("linkTypeName: an unsupported link type has its constant's name: $name", ({ number, name }) => {
  expect(linkTypeName(number)).toBe(name);
});

test("isSupportedLinkType: holds for exactly the link types of which a flow or a filter finds addresses", () => {
  const ip = ipv4({ protocol: 17 }, udp());
  const framings = [ip, ethernet(IPV4, ip), cookedV1(IPV4, ip), cookedV2(IPV4, ip), bytes("00000002", ip)];
  const v6 = ipv6({ nextHeader: 17 }, udp());
  const layers = createLayers();
  for (let linkType = 0; linkType < 400; linkType++) {
    const candidates = [...framings, v6];
    const isDecoded = candidates.some((frame) => flowOf(linkType, frame).IP !== undefined);
    expect([linkType, isDecoded]).toEqual([linkType, isSupportedLinkType(linkType)]);
    const isLocated = candidates.some((frame) => locateLayers(frame, 0, frame.length, linkType, layers));
    expect([linkType, isLocated]).toEqual([linkType, isSupportedLinkType(linkType)]);
  }
});

// libpcap 1.10.3, pcap-common.c
test.each([
  { name: "most", number: 147, bytes: 262_144 },
  { name: "memory-mapped USB", number: 220, bytes: 134_217_728 },
  { name: "D-Bus", number: 231, bytes: 134_217_728 },
  { name: "USBPcap", number: 249, bytes: 134_217_728 },
  { name: "EBHSCR", number: 279, bytes: 8_388_608 },
])("packets of $name are at most $bytes bytes long", ({ number, bytes }) => {
  expect(maxCapturedLength(number)).toBe(bytes);
});

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
import { flowOf } from "./flow/frames.js";
import { buildPackets, FRAME, type LinkTypeKey } from "./headers/packets.js";

// https://www.tcpdump.org/linktypes.html
test.each([
  { constant: "LINKTYPE_NULL", number: 0, name: "BSD loopback" },
  { constant: "LINKTYPE_ETHERNET", number: 1, name: "Ethernet" },
  { constant: "DLT_RAW", number: 12, name: "raw IP" },
  { constant: "DLT_RAW_OPENBSD", number: 14, name: "raw IP" },
  { constant: "LINKTYPE_PPP", number: 9, name: "PPP" },
  { constant: "LINKTYPE_RAW", number: 101, name: "raw IP" },
  { constant: "LINKTYPE_C_HDLC", number: 104, name: "Cisco HDLC" },
  { constant: "LINKTYPE_IEEE802_11", number: 105, name: "802.11" },
  { constant: "LINKTYPE_LOOP", number: 108, name: "OpenBSD loopback" },
  { constant: "LINKTYPE_LINUX_SLL", number: 113, name: "Linux cooked v1" },
  { constant: "LINKTYPE_IEEE802_11_RADIOTAP", number: 127, name: "802.11 with radiotap" },
  { constant: "LINKTYPE_PPI", number: 192, name: "PPI" },
  { constant: "LINKTYPE_IPV4", number: 228, name: "raw IPv4" },
  { constant: "LINKTYPE_IPV6", number: 229, name: "raw IPv6" },
  { constant: "LINKTYPE_NFLOG", number: 239, name: "NFLOG" },
  { constant: "LINKTYPE_LINUX_SLL2", number: 276, name: "Linux cooked v2" },
])("link types: $constant is $number, $name", ({ constant, number, name }) => {
  expect({ ...packet }[constant]).toBe(number);
  expect(linkTypeName(number)).toBe(name);
  expect(maxCapturedLength(number)).toBe(MAX_CAPTURED_LENGTH);
});

test.each([2, 146, 300, 65_535])("linkTypeName: link type %i has only its number", (number) => {
  expect(linkTypeName(number)).toBe(`link type ${number}`);
});

test.each([
  { number: 8, name: "LINKTYPE_SLIP (8)" },
  { number: 119, name: "LINKTYPE_IEEE802_11_PRISM (119)" },
  { number: 147, name: "LINKTYPE_USER0 (147)" },
  { number: 162, name: "LINKTYPE_USER15 (162)" },
  { number: 253, name: "LINKTYPE_NETLINK (253)" },
])("linkTypeName: an unsupported link type has its constant's name: $name", ({ number, name }) => {
  expect(linkTypeName(number)).toBe(name);
});

test("isSupportedLinkType: holds for exactly the link types of which a flow or a filter finds addresses", () => {
  const keys = Object.keys(FRAME) as LinkTypeKey[]; // its own keys
  const candidates = keys
    .flatMap((key) => buildPackets(key, 0))
    .filter(({ ip }) => ip === "IPv4" || ip === "IPv6")
    .map((packet) => packet.bytes);
  const layers = createLayers();
  for (let linkType = 0; linkType < 400; linkType++) {
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
])("maxCapturedLength: packets of $name are at most $bytes bytes long", ({ number, bytes }) => {
  expect(maxCapturedLength(number)).toBe(bytes);
});

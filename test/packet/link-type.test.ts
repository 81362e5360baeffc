import { expect, test } from "vitest";
import * as packet from "../../src/packet/index.js";
import { linkTypeName, MAX_CAPTURED_LENGTH, maxCapturedLength } from "../../src/packet/index.js";

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

test.each([2, 147, 65_535])("link type %i has no name but its number", (number) => {
  expect(linkTypeName(number)).toBe(`link type ${number}`);
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

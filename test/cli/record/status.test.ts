import { describe, expect, test } from "vitest";
import { formatDevices } from "../../../src/cli/record/packets/devices.js";
import { formatCounts, formatCountsWithoutReader, formatLine } from "../../../src/cli/record/status.js";
import type { RecordingStats } from "../../../src/recorder/index.js";

const ZERO: RecordingStats = {
  packetsCaptured: 0,
  bytesCaptured: 0,
  packetsLostInQueue: 0,
  bytesLostInQueue: 0,
  packetsLostInKernel: 0,
};

describe("record status lines", () => {
  test.each<{ stats: Partial<RecordingStats>; text: string }>([
    { stats: {}, text: "0 packets (0 bytes) written" },
    { stats: { packetsCaptured: 1, bytesCaptured: 60 }, text: "1 packets (60 bytes) written" },
    {
      stats: { packetsCaptured: 3, bytesCaptured: 180, packetsLostInQueue: 1, bytesLostInQueue: 60 },
      text: "3 packets (180 bytes) written and 1 packets (60 bytes) lost",
    },
    {
      stats: { packetsLostInQueue: 1, bytesLostInQueue: 60, packetsLostInKernel: 4 },
      text: "0 packets (0 bytes) written and 5 packets (60 bytes) lost",
    },
    { stats: { packetsLostInKernel: 2 }, text: "0 packets (0 bytes) written and 2 packets (0 bytes) lost" },
  ])("formatCounts: prints $text", ({ stats, text }) => {
    expect(formatCounts({ ...ZERO, ...stats })).toBe(text);
  });

  test("formatCountsWithoutReader: does not report packets that a closed output rejected as lost", () => {
    const stats = {
      ...ZERO,
      packetsCaptured: 3,
      bytesCaptured: 180,
      packetsLostInQueue: 2,
      bytesLostInQueue: 60,
    };
    expect(formatCountsWithoutReader(stats)).toBe(
      "3 packets (180 bytes) written, 2 packets (60 bytes) not written because the output was not read",
    );
    expect(formatCountsWithoutReader({ ...stats, packetsLostInKernel: 4 })).toBe(
      "3 packets (180 bytes) written and 4 packets (0 bytes) lost, 2 packets (60 bytes) not written because the output was not read",
    );
    expect(formatCountsWithoutReader(ZERO)).toBe("0 packets (0 bytes) written");
  });

  test("formatLine: truncates the time to seconds", () => {
    expect(formatLine(Date.UTC(2025, 3, 12, 22, 48, 35, 999), "Result", "x")).toBe(
      "2025-04-12T22:48:35Z Result: x",
    );
  });
});

test("formatDevices: prints devices as a table", () => {
  const device = { addresses: [], loopback: false, up: true, running: true };
  const table = formatDevices([
    { ...device, name: "eth0", addresses: ["10.0.0.1", "fd00::1"] },
    { ...device, name: "any", description: "all interfaces", running: false },
    { ...device, name: "lo", loopback: true, up: false, running: false },
  ]);
  expect(table.split("\n")).toEqual([
    "NAME  STATE          ADDRESSES         DESCRIPTION",
    "eth0  up,running     10.0.0.1,fd00::1",
    "any   up             -                 all interfaces",
    "lo    down,loopback  -",
    "",
  ]);
});

test("formatDevices: prints a table without rows for an empty list", () => {
  expect(formatDevices([])).toBe("NAME  STATE  ADDRESSES  DESCRIPTION\n");
});

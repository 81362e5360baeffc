import type { CaptureDevice } from "../../../source/libpcap/index.js";

/** Formats devices as a table: name, state, addresses and description, one device per line. */
export function formatDevices(devices: readonly CaptureDevice[]): string {
  const rows = devices.map(({ name, description = "", addresses, loopback, up, running }) => {
    const state = [up ? "up" : "down", ...(running ? ["running"] : []), ...(loopback ? ["loopback"] : [])];
    return [name, state.join(","), addresses.join(",") || "-", description];
  });
  const table = [["NAME", "STATE", "ADDRESSES", "DESCRIPTION"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

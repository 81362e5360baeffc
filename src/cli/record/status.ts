import type { Clock } from "../../async/clock.js";
import type { RecordingStats } from "../../recorder/stats.js";
import type { Messages } from "../io/messages.js";

const INTERVAL_MS = 500;

/**
 * Formats the counts of a recording as `hubble record` (hubble/cmd/record): `3 packets (180 bytes) written and 1
 * packets (60 bytes) lost`.
 */
export function formatCounts(stats: RecordingStats): string {
  return countsText(stats);
}

/**
 * The same if the reader has closed the output: packets that it did not read count as not written, rather than lost.
 */
export function formatCountsWithoutReader(stats: RecordingStats): string {
  const { packetsLostInQueue, bytesLostInQueue } = stats;
  const text = countsText({ ...stats, packetsLostInQueue: 0, bytesLostInQueue: 0 });
  if (packetsLostInQueue === 0) return text;
  return `${text}, ${packetsLostInQueue} packets (${bytesLostInQueue} bytes) not written because the output was not read`;
}

function countsText(stats: RecordingStats): string {
  const { packetsCaptured, bytesCaptured, packetsLostInQueue, bytesLostInQueue, packetsLostInKernel } = stats;
  const written = `${packetsCaptured} packets (${bytesCaptured} bytes) written`;
  const packetsLost = packetsLostInQueue + packetsLostInKernel;
  if (packetsLost === 0 && bytesLostInQueue === 0) return written;
  // The kernel does not report the bytes of dropped packets.
  return `${written} and ${packetsLost} packets (${bytesLostInQueue} bytes) lost`;
}

/** Formats a line as `hubble record`: the time in UTC, to the second, and the text. */
export function formatLine(nowMs: number, label: "Status" | "Result" | "Output", text: string): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z ${label}: ${text}`;
}

/**
 * Shows the progress of a recording on a terminal twice per second: Hubble's status, and the rate since the last
 * update.
 *
 * @returns A function that stops the updates.
 */
export function showStatus(messages: Messages, clock: Clock, stats: () => RecordingStats): () => void {
  if (!messages.hasStatus) return () => {};
  let lastMs = clock.now();
  let last = stats();
  let callOff = clock.setTimer(INTERVAL_MS, tick);
  messages.status(formatLine(lastMs, "Status", formatCounts(last)));

  function tick(): void {
    const now = clock.now();
    const current = stats();
    const rate = formatRate(last, current, now - lastMs);
    messages.status(formatLine(now, "Status", `${formatCounts(current)}, ${rate}`));
    lastMs = now;
    last = current;
    callOff = clock.setTimer(INTERVAL_MS, tick);
  }

  return () => {
    callOff();
    messages.clearStatus();
  };
}

function formatRate(before: RecordingStats, now: RecordingStats, ms: number): string {
  const perSecond = (count: number) => (ms > 0 ? (count * 1000) / ms : 0);
  const packets = Math.round(perSecond(now.packetsCaptured - before.packetsCaptured));
  const megabytes = perSecond(now.bytesCaptured - before.bytesCaptured) / 1e6;
  return `${packets} packets/s, ${megabytes.toFixed(1)} MB/s`;
}

/**
 * Keeps the latest packets of an interface in memory, as a user of the package would:
 * `flight.mjs <device> <path> events|packets libpcap|packet-socket`. The trigger is an event of an Observer, or a packet; neither ever comes, so the path is not used. Says READY, and at SIGINT what
 * was captured and lost.
 */
import { createFlightRecorder } from "flowscribe/recorder";
import { openLibpcap } from "flowscribe/source/libpcap";
import { openPacketSocket } from "flowscribe/source/packet-socket";

const [device, , kind, from] = process.argv.slice(2);
const ringBytes = 256 * 1024 * 1024;
const options = { precision: "us", bufferBytes: 8 * 1024 * 1024 };
const source =
  from === "packet-socket"
    ? await openPacketSocket(device, { ...options, keepBytes: ringBytes })
    : await openLibpcap(device, options);
async function* noEvents() {
  await new Promise(() => {});
}
const recorder = createFlightRecorder(source, {
  trigger: { allow: [kind === "events" ? { verdict: ["DROPPED"] } : { tcpFlags: [{ RST: true }] }] },
  ...(kind === "events" && { events: noEvents() }),
  beforeMs: 10_000,
  afterMs: 5000,
  ringBytes,
  sink: () => {
    throw new Error("there was a trigger");
  },
});
process.once("SIGINT", () => recorder.stop());
console.log("READY");
await recorder.stopped;
const { packetsSeen, packetsLostInKernel, packetsInRing, packetsExpired } = recorder.stats;
console.log(
  JSON.stringify({
    captured: packetsSeen,
    lost: packetsLostInKernel,
    inRing: packetsInRing,
    expired: packetsExpired,
  }),
);
await source[Symbol.asyncDispose]();

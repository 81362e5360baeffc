/**
 * Sends `count` equal frames at a pace, and prints how it went, the time within the calls that send included:
 *
 *   generate.ts <device> <frame bytes> <count> <packets per second, 0 for flat out> [flows]
 */

import { ipv4Frame } from "./frames.js";
import { createRawSender } from "./raw-sender.js";

const BURST = 64;
/** Below this pace the bursts are smaller, so that the load is even. */
const SLOW = 200_000;
const SLOW_BURST = 16;
const MAX_COUNT = 20_000_000;

const [device = "", bytes = "64", count = "1000", pace = "0", flows = "16"] = process.argv.slice(2);
const total = Math.min(Number(count), MAX_COUNT);
const perSecond = Number(pace);
const sender = await createRawSender(device);
const burst = sender.prepare(
  Array.from({ length: BURST }, (_, index) =>
    ipv4Frame({ length: Number(bytes), sourcePort: 1000 + (index % Number(flows)) }),
  ),
);
const size = perSecond > 0 && perSecond < SLOW ? SLOW_BURST : BURST;
const start = performance.now();
let sent = 0;
let sending = 0;
while (sent < total) {
  if (perSecond > 0) {
    const due = start + (sent / perSecond) * 1000;
    while (performance.now() < due);
  }
  const next = Math.min(size, total - sent);
  const begun = performance.now();
  burst(next);
  sending += performance.now() - begun;
  sent += next;
}
const seconds = (performance.now() - start) / 1000;
sender.close();
console.log(JSON.stringify({ sent, seconds, sendNanoseconds: (sending * 1e6) / sent }));

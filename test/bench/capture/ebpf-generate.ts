/**
 * Sends equal frames flat out or at a pace: `ebpf-generate.ts <device> <frame bytes> <count> <packets per second, 0 for flat out>`.
 * Prints how many, and the processor time that each cost this process, in which most of the kernel's part of capturing runs.
 */
import { ipv4Frame } from "../../support/traffic/frames.js";
import { createRawSender } from "../../support/traffic/raw-sender.js";

const BURST = 32;
const [device = "", bytes = "64", count = "1000", pace = "0"] = process.argv.slice(2);
const total = Number(count);
const perSecond = Number(pace);
const sender = await createRawSender(device);
const burst = sender.prepare(
  Array.from({ length: BURST }, (_, index) =>
    ipv4Frame({ length: Number(bytes), sourcePort: 1000 + (index % 16) }),
  ),
);
const before = process.cpuUsage();
const start = performance.now();
let sent = 0;
let late = 0;
for (; sent < total; sent += BURST) {
  if (perSecond > 0) {
    const due = start + (sent / perSecond) * 1000;
    if (performance.now() > due + 1) late++;
    while (performance.now() < due);
  }
  burst(BURST);
}
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(before);
sender.close();
console.log(JSON.stringify({ sent, seconds, nanoseconds: ((user + system) * 1000) / sent, late }));

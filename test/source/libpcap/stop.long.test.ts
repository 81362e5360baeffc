import { expect, test } from "vitest";
import { open } from "../../../src/source/libpcap/open.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { describeLive, type Live } from "./live.js";

const ROUNDS = 20;
const CAPTURES = 10;
/** Offset of a frame's number: the IPv4 identification. */
const NUMBER = 18;

/** Captures while frames are sent in bursts, and stops at some moment; returns what was sent by then, and what was captured. */
async function stopSomewhere(
  { pair }: Live,
  sentSoFar: () => number,
  afterMs: number,
  readWhileSending: boolean,
): Promise<{ sent: number; numbers: number[]; dropped: number }> {
  const source = await open(pair.receiver.device, { bufferBytes: 4 * 1024 * 1024 }, { onThisThread: true });
  const first = sentSoFar();
  try {
    const numbers: number[] = [];
    const read = async () => {
      for await (const { records, offsets, length } of source.reusedBatches()) {
        const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
        for (let index = 0; index < length; index++)
          numbers.push(view.getUint16(offsets[index]! + 16 + NUMBER));
      }
    };
    const reading = readWhileSending ? read() : undefined;
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const sent = sentSoFar();
    source.stop();
    await (reading ?? read());
    // The first burst may have started before the capture was opened: compare from the first captured packet on.
    const start = numbers.indexOf(first & 0xffff);
    return {
      sent: sent - first,
      numbers: start < 0 ? [] : numbers.slice(start),
      dropped: source.stats().dropped,
    };
  } finally {
    await source[Symbol.asyncDispose]();
  }
}

describeLive("openLibpcap: stop", (live) => {
  test(`at ${ROUNDS * CAPTURES} random moments loses none of the packets sent before`, async () => {
    let sentTotal = 0;
    let sending = true;
    const frames = Array.from({ length: 65_536 }, (_, number) =>
      ipv4Frame({ number, length: 60 + (number % 700) }),
    );
    /** Bursts of random length at random moments, a turn of the event loop apart. */
    const send = async () => {
      while (sending) {
        const burst = 1 + Math.floor(60 * Math.random());
        const from = sentTotal & 0xffff;
        const to = Math.min(from + burst, frames.length);
        live().sender.send(frames.slice(from, to));
        sentTotal += to - from;
        await new Promise((resolve) => setTimeout(resolve, 4 * Math.random()));
      }
    };
    const sender = send();
    let checked = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const captures = Array.from({ length: CAPTURES }, (_, index) =>
          stopSomewhere(live(), () => sentTotal, 40 * Math.random(), index % 2 === 0),
        );
        for (const { sent, numbers, dropped } of await Promise.all(captures)) {
          expect(dropped).toBe(0);
          expect(numbers.length).toBeGreaterThanOrEqual(sent);
          const start = numbers[0] ?? 0;
          expect(numbers.every((number, index) => number === ((start + index) & 0xffff))).toBe(true);
          checked++;
        }
      }
    } finally {
      sending = false;
      await sender;
    }
    expect(checked).toBe(ROUNDS * CAPTURES);
  });
});

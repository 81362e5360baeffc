import { expect, test } from "vitest";
import type { StreamMessage } from "../../src/nats/consumer.js";
import { KeptMessages } from "../../src/nats/kept-messages.js";
import { fakeClock } from "../../src/testing/index.js";

function message(reports: number[], seq: number): StreamMessage {
  return {
    ...{ subject: "flows", seq, data: new Uint8Array(), reply: `$JS.ACK.${seq}` },
    working: () => reports.push(seq),
    nak: () => {},
    term: () => {},
  };
}

test("KeptMessages: reports messages that are kept for half the ack wait, again and again", () => {
  const clock = fakeClock();
  const kept = new KeptMessages(4000, clock);
  const reports: number[] = [];
  kept.add(message(reports, 1));
  clock.advance(1500);
  kept.add(message(reports, 2));
  clock.advance(499);
  expect(reports).toEqual([]);
  clock.advance(1);
  expect(reports).toEqual([1]);
  clock.advance(2000);
  expect(reports.sort()).toEqual([1, 1, 2]);
});

test("KeptMessages: between two reports of a message is always less than the ack wait", () => {
  const clock = fakeClock();
  const kept = new KeptMessages(4000, clock);
  const reports = new Map<number, number[]>();
  for (let seq = 0; seq < 40; seq++) {
    const times = [clock.now()];
    reports.set(seq, times);
    kept.add({ ...message([], seq), working: () => times.push(clock.now()) });
    clock.advance(137);
  }
  clock.advance(20_000);
  for (const times of reports.values()) {
    const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
    expect(gaps.length).toBeGreaterThan(4);
    expect(Math.max(...gaps)).toBeLessThan(4000);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2000);
  }
});

test("KeptMessages: reports nothing after a message is acknowledged, and leaves no timer", () => {
  const clock = fakeClock();
  const kept = new KeptMessages(4000, clock);
  const reports: number[] = [];
  const messages = [message(reports, 1), message(reports, 2), message(reports, 3)];
  for (const one of messages) kept.add(one);
  kept.delete(messages[0] as StreamMessage);
  expect(kept.size).toBe(2);
  clock.advance(2000);
  expect(reports).toEqual([2, 3]);
  kept.delete(...messages);
  expect([kept.size, clock.pending]).toEqual([0, 0]);
  kept.add(messages[0] as StreamMessage);
  kept.clear();
  expect([kept.size, clock.pending]).toEqual([0, 0]);
});

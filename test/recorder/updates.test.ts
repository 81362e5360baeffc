import { describe, expect, test } from "vitest";
import { type RecordingStats, record } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";
import { batchOf, MIN_PACKET_LENGTH, numbered, WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";
import { controlledSource, settle } from "./sources.js";

const NOTHING: RecordingStats = {
  packetsCaptured: 0,
  bytesCaptured: 0,
  packetsLostInQueue: 0,
  bytesLostInQueue: 0,
  packetsLostInKernel: 0,
};

function captured(packets: number): RecordingStats {
  return { ...NOTHING, packetsCaptured: packets, bytesCaptured: packets * MIN_PACKET_LENGTH };
}

/** Reads at its own pace; what it has seen is in `seen`. */
function readAll(updates: AsyncIterable<RecordingStats>) {
  const seen: RecordingStats[] = [];
  const ended = (async () => {
    for await (const stats of updates) seen.push(stats);
  })();
  return { seen, ended };
}

function start() {
  const source = controlledSource();
  const sink = memorySink();
  const recording = record(source, WANTED, { sink: sink.open, clock: fakeClock() });
  return { source, recording };
}

test("Recording.updates: yield zeros at once, before the sink is open", async () => {
  const recording = record(controlledSource(), WANTED, { sink: memorySink({ hold: ["open"] }).open });
  const { seen } = readAll(recording.updates);
  await settle();
  expect(seen).toEqual([NOTHING]);
});

test("Recording.updates: a fast reader gets every change, and nothing else", async () => {
  const { source, recording } = start();
  const { seen, ended } = readAll(recording.updates);
  await settle();
  source.push(numbered(2));
  await settle();
  expect(seen).toEqual([NOTHING, captured(2)]);
  // Packets that do not match change nothing.
  source.push(batchOf([{ id: 9, matches: false }]));
  await settle();
  expect(seen).toEqual([NOTHING, captured(2)]);
  source.push(numbered(1));
  await settle();
  expect(seen).toEqual([NOTHING, captured(2), captured(3)]);
  source.end();
  const { stats } = await recording.stopped;
  await ended;
  expect(seen.at(-1)).toEqual(stats);
});

test("Recording.updates: a slow reader gets only the latest counts", async () => {
  const { source, recording } = start();
  const reader = recording.updates[Symbol.asyncIterator]();
  expect(await reader.next()).toEqual({ done: false, value: NOTHING });
  for (let count = 0; count < 50; count++) {
    source.push(numbered(1));
    await settle();
  }
  expect(await reader.next()).toEqual({ done: false, value: captured(50) });
  source.push(numbered(1));
  source.end();
  await recording.stopped;
  expect(await reader.next()).toEqual({ done: false, value: captured(51) });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("Recording.updates: several readers are independent, whenever they begin", async () => {
  const { source, recording } = start();
  const first = readAll(recording.updates);
  const second = readAll(recording.updates);
  await settle();
  source.push(numbered(4));
  await settle();
  const third = readAll(recording.updates);
  await settle();
  expect(third.seen).toEqual([captured(4)]);
  source.end();
  const { stats } = await recording.stopped;
  await Promise.all([first.ended, second.ended, third.ended]);
  expect(first.seen.slice(0, 2)).toEqual([NOTHING, captured(4)]);
  expect(second.seen).toEqual(first.seen);
  for (const { seen } of [first, second, third]) expect(seen.at(-1)).toEqual(stats);
});

test("Recording.updates: a reader after the end gets the final counts", async () => {
  const { source, recording } = start();
  source.push(numbered(4));
  source.end();
  const { stats } = await recording.stopped;
  const { seen, ended } = readAll(recording.updates);
  await ended;
  expect(seen).toEqual([stats]);
});

test("Recording.updates: a reader that leaves does not affect others", async () => {
  const { source, recording } = start();
  for await (const stats of recording.updates) {
    expect(stats).toEqual(NOTHING);
    break;
  }
  const { seen, ended } = readAll(recording.updates);
  source.push(numbered(1));
  source.end();
  await recording.stopped;
  await ended;
  expect(seen.at(-1)).toEqual(captured(1));
});

describe("Recording.updates: end with the recording and the final counts", () => {
  test.each<{ name: string; finish: (parts: ReturnType<typeof startAbortable>) => void; fails: boolean }>([
    { name: "source at its end", finish: ({ source }) => source.end(), fails: false },
    { name: "stop", finish: ({ recording }) => recording.stop(), fails: false },
    { name: "time", finish: ({ clock }) => clock.advance(1000), fails: false },
    { name: "failure of the source", finish: ({ source }) => source.fail(new Error("broken")), fails: true },
    { name: "abort", finish: ({ controller }) => controller.abort(), fails: true },
  ])("$name", async ({ finish, fails }) => {
    const parts = startAbortable();
    const { source, recording } = parts;
    const { seen, ended } = readAll(recording.updates);
    source.push(numbered(3));
    await settle();
    source.drop(2);
    finish(parts);
    const [outcome] = await Promise.allSettled([recording.stopped]);
    await ended;
    expect(outcome.status).toBe(fails ? "rejected" : "fulfilled");
    expect(seen.at(-1)).toEqual({ ...captured(3), packetsLostInKernel: 2 });
    if (outcome.status === "fulfilled") expect(outcome.value.stats).toEqual(seen.at(-1));
  });

  function startAbortable() {
    const source = controlledSource();
    const clock = fakeClock();
    const controller = new AbortController();
    const timed = { ...WANTED, stopCondition: { timeElapsed: { seconds: 1n } } };
    const sink = memorySink().open;
    const recording = record(source, timed, { sink, clock, signal: controller.signal });
    return { source, clock, controller, recording };
  }
});

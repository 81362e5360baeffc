// Plays the scenarios of scenario.ts with a flight recorder.
import { expect } from "vitest";
import { fromBatches, type PacketBatch, type PacketSource, packetsOf } from "../../../src/packet/index.js";
import {
  createFlightRecorder,
  type FlightCapture,
  type FlightOptions,
  type FlightStats,
} from "../../../src/recorder/index.js";
import type { FakeClock } from "../../support/fake-clock.js";
import { ETHERNET } from "../packets.js";
import { type MemorySink, memorySink } from "../sinks.js";
import { settle } from "../sources.js";
import { batchOf, flowOf, type Scenario, type ScenarioPacket } from "./scenario.js";

/** The numbers of packets of a scenario. */
export function idsIn(batch: PacketBatch): number[] {
  return Array.from(packetsOf(batch), ({ bytes }) =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(42),
  );
}

export function isBalanced(stats: FlightStats): boolean {
  const { packetsSeen, packetsInRing, packetsExpired, packetsWritten, packetsLost } = stats;
  return packetsSeen === packetsInRing + packetsExpired + packetsWritten + packetsLost;
}

/** Steps of a scenario that are packets, as a source that yields them. */
export type OpenSteps = (steps: AsyncIterable<readonly ScenarioPacket[]>) => PacketSource;

const inBatches: OpenSteps = (steps) => {
  async function* batches(): AsyncGenerator<PacketBatch> {
    for await (const packets of steps) yield batchOf(packets);
  }
  return fromBatches(batches(), ETHERNET);
};

/** Plays a scenario; returns the numbers of the packets of each capture, in the order in which they were written. */
export async function play(
  scenario: Scenario,
  clock: FakeClock,
  more: Partial<FlightOptions> = {},
  open: OpenSteps = inBatches,
) {
  const { steps, scope, beforeMs, afterMs, skewMs, maxPerMinute, triggerPort } = scenario;
  const sinks: MemorySink[] = [];
  const ended: FlightCapture[] = [];
  const unbalanced: FlightStats[] = [];
  async function* stepByStep(): AsyncGenerator<readonly ScenarioPacket[]> {
    await settle();
    for (const step of steps) {
      if (step.kind === "packets") yield step.packets;
      else if (step.kind === "trigger") {
        const { about, timeUs } = step;
        recorder.trigger({ timeMs: timeUs / 1000, ...(about !== undefined && { flow: flowOf(about) }) });
      } else clock.advance(step.ms);
      await settle();
      if (!isBalanced(recorder.stats)) unbalanced.push(recorder.stats);
    }
  }
  const recorder = createFlightRecorder(open(stepByStep()), {
    scope,
    beforeMs,
    afterMs,
    skewMs,
    maxPerMinute,
    ...(triggerPort !== undefined && { trigger: { allow: [{ destinationPort: [String(triggerPort)] }] } }),
    sink: (request) => {
      const sink = memorySink();
      sinks.push(sink);
      return sink.open(request);
    },
    onCapture: (capture) => ended.push(capture),
    clock,
    ...more,
  });
  const { stats } = await recorder.stopped;
  expect(unbalanced).toEqual([]);
  expect(isBalanced(stats)).toBe(true);
  return { written: sinks.map(({ batches: all }) => all.flatMap(idsIn)), ended, stats };
}

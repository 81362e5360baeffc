// Random scenarios for the flight recorder, and what a plain recorder that keeps every packet would write.
import fc from "fast-check";
import type { Flow } from "../../../src/gen/flow/flow_pb.js";
import { createBatch, type PacketBatch, type PacketInit } from "../../../src/packet/index.js";
import type { FlightScope } from "../../../src/recorder/flight/option-values.js";
import type { FakeClock } from "../../../src/testing/fake-clock.js";
import { flow as createFlow } from "../../../src/testing/index.js";
import { ETHERNET } from "../packets.js";

/** A UDP packet between two of a few endpoints. */
export interface ScenarioPacket {
  readonly id: number;
  readonly timeUs: number;
  /** Last bytes of the addresses 10.0.0.x. */
  readonly from: number;
  readonly to: number;
  readonly fromPort: number;
  readonly toPort: number;
  readonly length: number;
}

export type Step =
  | { readonly kind: "packets"; readonly packets: readonly ScenarioPacket[] }
  | { readonly kind: "trigger"; readonly timeUs: number; readonly about: ScenarioPacket | undefined }
  | { readonly kind: "pass"; readonly ms: number };

export interface Scenario {
  readonly steps: readonly Step[];
  readonly scope: FlightScope;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly skewMs: number;
  readonly maxPerMinute: number;
  /** The port of packets that are triggers; undefined if only the program triggers. */
  readonly triggerPort: number | undefined;
}

const START_US = 1_700_000_000_000_000;
const PORTS = [53, 80, 99];

const aPacket = fc.record({
  gapUs: fc.oneof(fc.nat(2000), fc.nat(3_000_000), fc.integer({ min: -500, max: 0 })),
  from: fc.integer({ min: 1, max: 4 }),
  to: fc.integer({ min: 1, max: 4 }),
  fromPort: fc.constantFrom(...PORTS),
  toPort: fc.constantFrom(...PORTS),
  length: fc.integer({ min: 46, max: 200 }),
});

const aStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("packets" as const),
      packets: fc.array(aPacket, { maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("trigger" as const),
      offsetUs: fc.integer({ min: -4_000_000, max: 2_000_000 }),
      about: fc.option(aPacket, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(8000) }) },
);

/** Times and numbers are given in the order of the steps. */
export const aScenario: fc.Arbitrary<Scenario> = fc
  .record({
    steps: fc.array(aStep, { maxLength: 40 }),
    scope: fc.constantFrom<FlightScope>("all", "endpoints", "conversation"),
    beforeMs: fc.constantFrom(0, 1, 500, 2500),
    afterMs: fc.constantFrom(0, 1, 500, 2500),
    skewMs: fc.constantFrom(0, 0, 300),
    maxPerMinute: fc.constantFrom(1, 3, 60),
    triggerPort: fc.option(fc.constant(99), { nil: undefined }),
  })
  .map(({ steps, ...rest }) => {
    let timeUs = START_US;
    let id = 0;
    const number = ({
      gapUs,
      ...packet
    }: { readonly gapUs: number } & Omit<ScenarioPacket, "id" | "timeUs">) => {
      timeUs += gapUs;
      return { ...packet, id: id++, timeUs };
    };
    return {
      ...rest,
      steps: steps.map((step): Step => {
        if (step.kind === "packets") return { kind: "packets", packets: step.packets.map(number) };
        if (step.kind === "pass") return step;
        const about = step.about && { ...step.about, id: -1, timeUs };
        return { kind: "trigger", timeUs: timeUs + step.offsetUs, about };
      }),
    };
  });

/** The packets as one batch; the number of a packet is in its payload. */
export function batchOf(packets: readonly ScenarioPacket[]): PacketBatch {
  return createBatch(ETHERNET, packets.map(packetInit));
}

/** A packet as the source captures it. */
export function packetInit({ id, timeUs, from, to, fromPort, toPort, length }: ScenarioPacket): PacketInit {
  const bytes = new Uint8Array(length);
  bytes.set([0x08, 0x00], 12);
  bytes.set([0x45, 0, 0, length - 14, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to], 14);
  bytes.set([0, fromPort, 0, toPort, 0, length - 34, 0, 0], 34);
  new DataView(bytes.buffer).setUint32(42, id);
  return { bytes, seconds: Math.floor(timeUs / 1e6), nanoseconds: (timeUs % 1e6) * 1000 };
}

/** The flow that Hubble would report for a packet. */
export function flowOf({ timeUs, from, to, fromPort, toPort }: ScenarioPacket): Flow {
  return createFlow({
    time: { seconds: BigInt(Math.floor(timeUs / 1e6)), nanos: (timeUs % 1e6) * 1000 },
    IP: { source: `10.0.0.${from}`, destination: `10.0.0.${to}` },
    l4: { protocol: { case: "UDP", value: { sourcePort: fromPort, destinationPort: toPort } } },
  });
}

interface PlainWindow {
  readonly fromUs: number;
  readonly toUs: number;
  readonly about: ScenarioPacket | undefined;
}

/** Numbers of the packets of each capture, sorted, and the triggers that were refused. */
export interface Expected {
  readonly captures: readonly (readonly number[])[];
  readonly limited: number;
}

/** Keeps every packet and follows the rules one step at a time. */
export function expectedOf(scenario: Scenario, clock: FakeClock): Expected {
  const { steps, scope, beforeMs, afterMs, skewMs, maxPerMinute, triggerPort } = scenario;
  const seen: ScenarioPacket[] = [];
  const captures: number[][] = [];
  const allowed: number[] = [];
  let limited = 0;
  let windows: PlainWindow[] = [];
  let silenceAt = Number.POSITIVE_INFINITY;
  let hasPackets = false;

  const lastUs = () => Math.max(...windows.map(({ toUs }) => toUs));
  const close = (): void => {
    captures.push(
      seen.filter((packet) => windows.some((window) => isIn(packet, window, scope))).map(({ id }) => id),
    );
    windows = [];
    silenceAt = Number.POSITIVE_INFINITY;
  };
  const add = (window: PlainWindow, waitMs: number): void => {
    const isKnown = windows.some(({ about }) => scopeKey(about, scope) === scopeKey(window.about, scope));
    if (!isKnown) {
      if (allowed.filter((ms) => clock.now() - ms < 60_000).length >= maxPerMinute) {
        limited++;
        return;
      }
      allowed.push(clock.now());
    }
    windows.push(window);
    hasPackets = false;
    silenceAt = clock.now() + waitMs + 1000;
  };

  /** Windows that begin after the running capture, which ends first. */
  const waiting: { readonly window: PlainWindow; readonly waitMs: number }[] = [];
  const apply = (): void => {
    for (;;) {
      const ready = waiting.findIndex(({ window }) => windows.length === 0 || window.fromUs <= lastUs());
      if (ready >= 0) {
        for (const { window, waitMs } of waiting.splice(ready, 1)) add(window, waitMs);
      } else if (windows.length > 0 && seen.some(({ timeUs }) => timeUs > lastUs())) close();
      else return;
    }
  };

  for (const step of steps) {
    if (step.kind === "packets") {
      hasPackets = true;
      for (const packet of step.packets) {
        if (windows.length > 0 && packet.timeUs > lastUs()) close();
        seen.push(packet);
        if (packet.toPort === triggerPort) {
          const { timeUs } = packet;
          add({ fromUs: timeUs - beforeMs * 1000, toUs: timeUs + afterMs * 1000, about: packet }, afterMs);
        }
      }
    } else if (step.kind === "trigger") {
      const fromUs = step.timeUs - (beforeMs + skewMs) * 1000;
      const toUs = step.timeUs + (afterMs + skewMs) * 1000;
      waiting.push({ window: { fromUs, toUs, about: step.about }, waitMs: afterMs + skewMs });
    } else {
      const untilMs = clock.now() + step.ms;
      let isSilent = false;
      while (!isSilent && silenceAt <= untilMs) {
        if (hasPackets) {
          hasPackets = false;
          silenceAt += 1000;
        } else isSilent = true;
      }
      clock.advance(step.ms);
      if (isSilent) close();
    }
    apply();
  }
  while (windows.length + waiting.length > 0) {
    if (windows.length > 0) close();
    apply();
  }
  return { captures, limited };
}

function isIn(packet: ScenarioPacket, { fromUs, toUs, about }: PlainWindow, scope: FlightScope): boolean {
  if (packet.timeUs < fromUs || packet.timeUs > toUs) return false;
  if (scope === "all" || about === undefined) return true;
  if (scope === "endpoints") {
    return [about.from, about.to].some((end) => end === packet.from || end === packet.to);
  }
  return conversationKey(about) === conversationKey(packet);
}

function scopeKey(about: ScenarioPacket | undefined, scope: FlightScope): string {
  if (scope === "all" || about === undefined) return "all";
  if (scope === "endpoints") return [...new Set([about.from, about.to])].sort().join();
  return conversationKey(about);
}

function conversationKey({ from, fromPort, to, toPort }: ScenarioPacket): string {
  return [`${from}:${fromPort}`, `${to}:${toPort}`].sort().join();
}

import type { Clock } from "../../async/clock.js";
import type { PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import { addressText } from "../../packet/flow/address-text.js";
import type { FlowOptions } from "../../packet/flow/flow-options.js";
import { createFlowLayers } from "../../packet/flow/locate/flow-layers.js";
import { locatorOf } from "../../packet/flow/locate/locator.js";
import { IPV4_DESTINATION, IPV4_SOURCE } from "../../packet/headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_SOURCE } from "../../packet/headers/ipv6.js";
import { type PacketTime, RECORD_HEADER_LENGTH, readRecordTime } from "../../packet/record-header.js";

/** When an address was selected, in milliseconds since 1970. */
interface Span {
  readonly fromMs: number;
  untilMs: number;
}

/** The maximum number of periods of an address; the oldest are forgotten first. */
const MAX_SPANS = 16;
/** The minimum interval between two searches for what can be forgotten. */
const FORGET_MS = 1000;
/** After this time, addresses that are not selected any more are forgotten. */
const KEPT_MS = 60_000;

/** Which addresses are selected, and which were until a short time ago. */
export class SelectedAddresses {
  readonly #spans = new Map<string, Span[]>();
  readonly #skewMs: number;
  readonly #clock: Clock;
  readonly #text = addressText();
  readonly #layers = createFlowLayers();
  readonly #locate: ReturnType<typeof locatorOf>;
  readonly #time: PacketTime = { seconds: 0, nanoseconds: 0 };
  #forgottenMs = Number.NEGATIVE_INFINITY;
  #lastFormat: PacketFormat | undefined;
  #lastEra = 0;
  #lastArrivalMs: number | undefined;
  #lastTest: PacketPredicate | undefined;

  constructor(skewMs: number, tunnels: NonNullable<FlowOptions["tunnels"]>, clock: Clock) {
    this.#skewMs = skewMs;
    this.#clock = clock;
    this.#locate = locatorOf({ tunnels });
  }

  /** An address is selected from a time on. */
  begin(address: string, fromMs: number): void {
    const spans = this.#spans.get(address);
    const span = { fromMs, untilMs: Number.POSITIVE_INFINITY };
    if (spans === undefined) this.#spans.set(address, [span]);
    else {
      spans.push(span);
      if (spans.length > MAX_SPANS) spans.shift();
    }
  }

  /** An address is not selected any more. */
  end(address: string, untilMs: number): void {
    const last = this.#spans.get(address)?.at(-1);
    if (last !== undefined) last.untilMs = untilMs + this.#skewMs;
    this.#forget();
  }

  #forget(): void {
    const nowMs = this.#clock.now();
    if (nowMs < this.#forgottenMs + FORGET_MS && nowMs >= this.#forgottenMs) return;
    this.#forgottenMs = nowMs;
    const oldestMs = nowMs - this.#skewMs - KEPT_MS;
    for (const [address, spans] of this.#spans) {
      const kept = spans.filter(({ untilMs }) => untilMs > oldestMs);
      if (kept.length === 0) this.#spans.delete(address);
      else if (kept.length < spans.length) this.#spans.set(address, kept);
    }
  }

  /**
   * A predicate for records of a format. It reads the time of a record before its packet.
   *
   * @param arrivalMs The time of packets without one of their own; undefined if they have times.
   */
  testOf(format: PacketFormat, eraSeconds: number, arrivalMs: number | undefined): PacketPredicate {
    if (
      this.#lastTest === undefined ||
      this.#lastFormat !== format ||
      this.#lastEra !== eraSeconds ||
      this.#lastArrivalMs !== arrivalMs
    ) {
      this.#lastFormat = format;
      this.#lastEra = eraSeconds;
      this.#lastArrivalMs = arrivalMs;
      this.#lastTest = (bytes, start, end, linkType) => {
        const { size } = this.#spans;
        if (size === 0 || !this.#locate(bytes, start, end, linkType, this.#layers)) return false;
        const { version, network } = this.#layers;
        if (version === 0) return false;
        const timeMs = arrivalMs ?? this.#timeOf(bytes, start, format, eraSeconds);
        return version === 4
          ? this.#holds(this.#text.ipv4(bytes, network + IPV4_SOURCE), timeMs) ||
              this.#holds(this.#text.ipv4(bytes, network + IPV4_DESTINATION), timeMs)
          : this.#holds(this.#text.ipv6(bytes, network + IPV6_SOURCE), timeMs) ||
              this.#holds(this.#text.ipv6(bytes, network + IPV6_DESTINATION), timeMs);
      };
    }
    return this.#lastTest;
  }

  #timeOf(records: Uint8Array, start: number, { resolution }: PacketFormat, eraSeconds: number): number {
    readRecordTime(records, start - RECORD_HEADER_LENGTH, resolution, eraSeconds, this.#time);
    return this.#time.seconds * 1000 + this.#time.nanoseconds / 1e6;
  }

  #holds(address: string, timeMs: number): boolean {
    const spans = this.#spans.get(address);
    if (spans === undefined) return false;
    for (const { fromMs, untilMs } of spans) if (timeMs >= fromMs && timeMs < untilMs) return true;
    return false;
  }
}

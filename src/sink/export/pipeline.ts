import type { Registry } from "@bufbuild/protobuf";
import { type Clock, systemClock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import { aDate, aFunction, checkedElsewhere, withMethods } from "../../errors/value-checks.js";
import { compileFlowFilters, type FlowFilterLists } from "../../filter/compile.js";
import { flowEvent } from "../../filter/event.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions, filterOptionsOf } from "../../filter/filter-options.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { decodeGetFlowsResponse } from "../../message/decode-response.js";
import { ExportLineError } from "../../message/json/line/line-error.js";
import { readLine } from "../../message/json/line/read-line.js";
import { aRegistry } from "../../message/json/registry.js";
import { encodeEnvelope } from "../../observer/export/line.js";
import { compileFieldMask } from "../../observer/field-mask.js";
import { toEnvelope } from "../../observer/flow-response.js";
import { reportOnce } from "../../observer/report-once.js";

/** Which events are exported, and which of their fields. */
export interface ExportOptions extends FlowFilterLists, FlowFilterOptions {
  /** Flow field paths, as for `compileFieldMask`; empty or absent: whole flows. */
  readonly fieldMask?: readonly string[];
  /** No event is exported from this time on, as with `end` of Hubble's dynamic exporter. */
  readonly end?: Date;
  /** Types that the `extensions` of flows may contain; Hubble's own and the well-known types by default. */
  readonly registry?: Registry;
  /**
   * Called once per extension type that is exported as bytes because the registry does not contain it or its bytes are
   * invalid; for at most a hundred types.
   */
  readonly onUndecodableExtension?: (typeUrl: string) => void;
  /** Clock for `end` and for the names of backups. */
  readonly clock?: Pick<Clock, "now">;
}

export const EXPORT_OPTIONS: OptionTable<ExportOptions> = {
  ...FLOW_FILTER_OPTIONS,
  // The compile functions check these three.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  fieldMask: checkedElsewhere,
  end: aDate,
  registry: aRegistry,
  onUndecodableExtension: aFunction,
  clock: withMethods<Pick<Clock, "now">>("a clock with `now`", "now"),
};

/** The line of an event, without its line feed, or why it is not exported. */
export type Verdict = { readonly line: string | Uint8Array } | "filtered" | "late";

/** Selects, masks and encodes events in each of their forms. */
export interface ExportPipeline {
  /** @throws ExportError `unencodable_event` */
  event(event: GetFlowsResponse | ExportEvent): Verdict;
  /** @throws FlowscribeError `malformed_message`; ExportError `unencodable_event` */
  response(response: Uint8Array): Verdict;
  /** @throws ExportLineError; ExportError `unencodable_event` */
  line(line: Uint8Array): Verdict;
}

const LF = 0x0a;

/** @throws FilterError, FieldMaskError */
export function compilePipeline(options: ExportOptions): ExportPipeline {
  const { allow = [], deny = [], fieldMask = [], end, registry, clock = systemClock } = options;
  const passes = compileFlowFilters({ allow, deny }, filterOptionsOf(options));
  const isFiltered = allow.length + deny.length > 0;
  const mask = compileFieldMask(fieldMask);
  const { onUndecodableExtension } = options;
  const encoding = {
    ...(registry && { registry }),
    onUndecodableExtension: onUndecodableExtension && reportOnce(onUndecodableExtension, () => {}),
  };
  const endMs = end?.getTime();
  const isLate = () => endMs !== undefined && clock.now() >= endMs;
  const encoded = (event: GetFlowsResponse | ExportEvent): Verdict => ({
    line: encodeEnvelope(mask(event), encoding),
  });
  return {
    event(event) {
      if (isLate()) return "late";
      return passes(flowEvent(event)) ? encoded(event) : "filtered";
    },
    response(response) {
      if (isLate()) return "late";
      // Without filters every response is decoded anyway.
      if (isFiltered && !passes.response(response)) return "filtered";
      return encoded(decodeGetFlowsResponse(response));
    },
    line(bytes) {
      if (isLate()) return "late";
      const line = bytes.at(-1) === LF ? bytes.subarray(0, -1) : bytes;
      const second = line.indexOf(LF);
      if (second >= 0) throw new ExportLineError("more than one line", second);
      // Also finds lines without an event.
      if (!passes.jsonLine(line)) return "filtered";
      if (fieldMask.length === 0) return { line };
      const event = readLine(line, registry);
      if (typeof event === "string") throw new ExportLineError(event, 0);
      // The reader returns the envelopes of events, and flows.
      return encoded(toEnvelope("writeLine", event as GetFlowsResponse | ExportEvent | Flow));
    },
  };
}

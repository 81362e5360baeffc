import { aClock, type Clock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import { anInteger, aPositiveNumber, oneOf, type ReportIssue, required } from "../../errors/value-checks.js";
import { checkExportPaths } from "../../observer/field-mask.js";

/** Default of {@link FlowAggregatorOptions.maxGroups}. */
export const DEFAULT_MAX_GROUPS = 10_000;

/** The maximum of {@link FlowAggregatorOptions.maxGroups}, as many keys as a Map can have. */
export const MAX_GROUPS: number = 2 ** 24;

/** Which flows are aggregated, and what is kept of them. */
export interface FlowAggregatorOptions {
  /**
   * Paths of fields of a Flow, in protobuf field names (`source.pod_name`, `l4.TCP.destination_port`, `verdict`): flows
   * with equal values form a group. At least one. `time` has no effect, as in Hubble. `aggregate` is the result.
   */
  readonly fields: readonly string[];
  /**
   * What is kept of the first flow of a group: `whole` as it came, or only `fields` and the time, as Hubble's exporter
   * writes it. The node name of the event is then only set if `node_name` is one of the fields. Default `whole`.
   */
  readonly keep?: "whole" | "fields";
  /** The maximum number of groups in memory, each with one event. Default {@link DEFAULT_MAX_GROUPS}. */
  readonly maxGroups?: number;
  /**
   * Which group ends early when a further one begins at the maximum: the `oldest`, or the `new` one, whose flow then stands
   * for itself. `new` keeps the counts of groups that have many flows. Default `oldest`.
   */
  readonly whenFull?: "oldest" | "new";
  /**
   * Also ends all groups before a flow whose time is at least this many milliseconds after that of the first flow of the
   * oldest group. For events from files, whose time is not that of a clock. A flow that arrives late joins the groups of
   * the moment. Default: never.
   */
  readonly flowIntervalMs?: number;
}

/** Options of `aggregateFlows`. */
export interface AggregateFlowsOptions extends FlowAggregatorOptions {
  /**
   * The groups are yielded and begin anew every so many milliseconds of the clock. Default: only at the end of the
   * events.
   */
  readonly intervalMs?: number;
  /** The system clock by default. */
  readonly clock?: Clock;
}

export const AGGREGATOR_OPTIONS: OptionTable<FlowAggregatorOptions> = {
  fields: required(checkFields),
  keep: oneOf("whole", "fields"),
  maxGroups: anInteger(1, MAX_GROUPS),
  whenFull: oneOf("oldest", "new"),
  flowIntervalMs: aPositiveNumber,
};

export const AGGREGATE_FLOWS_OPTIONS: OptionTable<AggregateFlowsOptions> = {
  ...AGGREGATOR_OPTIONS,
  intervalMs: aPositiveNumber,
  clock: aClock,
};

function checkFields(fields: unknown, path: string, report: ReportIssue): void {
  checkExportPaths(fields, path, report);
  if (!Array.isArray(fields)) return;
  if (fields.length === 0) report(path, "must have at least one path, such as source.pod_name");
  for (const [index, field] of fields.entries()) {
    if (field === "aggregate" || String(field).startsWith("aggregate.")) {
      report(`${path}[${index}]`, "is the result of the aggregation; remove it");
    }
  }
}

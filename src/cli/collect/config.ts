import { AGGREGATOR_OPTIONS } from "../../collect/aggregate/options.js";
import { redactionCheck } from "../../collect/collector/redact.js";
import type { CollectOutput } from "../../collect/index.js";
import { optionsOf } from "../../errors/check-options.js";
import type { Issue } from "../../errors/errors.js";
import { issueOf } from "../../errors/issue.js";
import {
  aListOf,
  anInteger,
  anObject,
  aPath,
  aString,
  checkedElsewhere,
  isObject,
  type ReportIssue,
  required,
  type ValueCheck,
  valueCheck,
} from "../../errors/value-checks.js";
import { checkFlowFilters, type FlowFilterInit } from "../../filter/index.js";
import { checkExportPaths } from "../../observer/field-mask.js";
import { checkFlowLogs, type FlowLogConfig } from "../../observer/index.js";
import { httpAddressOf } from "../io/http-server.js";
import type { Io } from "../io/io.js";
import { aDuration } from "./broker-config.js";
import { intervalMsOf } from "./flow-logs.js";
import { checkKind, type Kinds, kindOf } from "./kind.js";
import { SINKS, type SinkConfig } from "./sinks.js";
import { SOURCES, type SourceConfig } from "./sources.js";

/** How an output aggregates flows. */
export interface AggregateConfig {
  readonly fields: readonly string[];
  readonly keep?: "whole" | "fields";
  readonly maxGroups?: number;
  /** How often the groups are written. */
  readonly interval: string;
}

/** An output: which events it gets, in which form, and one kind of sink. */
export interface OutputConfig extends SinkConfig, Omit<CollectOutput, "sink" | "end" | "aggregate"> {
  readonly aggregate?: AggregateConfig;
}

/** The configuration of `flowscribe collect`. Durations are Go's, such as `30s`. */
export interface CollectConfig {
  readonly source: SourceConfig;
  /** Filters for all outputs. */
  readonly allow?: readonly FlowFilterInit[];
  readonly deny?: readonly FlowFilterInit[];
  readonly outputs?: readonly OutputConfig[];
  /** Outputs in the form of Hubble's dynamic exporter. */
  readonly flowLogs?: readonly FlowLogConfig[];
  readonly deadLetter?: SinkConfig;
  /** The path of the checkpoint. */
  readonly checkpoint?: string;
  readonly checkpointInterval?: string;
  readonly maxBatchEvents?: number;
  readonly maxWaitingEvents?: number;
  readonly retry?: RetryConfig;
  readonly stopTimeout?: string;
  /** The address of /metrics and /healthz, such as `localhost:9965`. */
  readonly listen?: string;
}

/** How often a failed write is repeated. */
export interface RetryConfig {
  readonly initialDelay?: string;
  readonly maxDelay?: string;
  readonly maxAttempts?: number;
}

const SINK_FIELDS = checksOf(SINKS);

const checkConfig = optionsOf<CollectConfig>("the configuration", {
  source: required(optionsOf<SourceConfig>("source", checksOf(SOURCES))),
  // Filters, field masks and flow logs have checks of their own.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  outputs: aListOf(
    optionsOf<OutputConfig>("an output", {
      name: required(aString),
      allow: checkedElsewhere,
      deny: checkedElsewhere,
      fieldMask: checkedElsewhere,
      redact: redactionCheck,
      aggregate: optionsOf<AggregateConfig>("aggregate", {
        fields: AGGREGATOR_OPTIONS.fields,
        keep: AGGREGATOR_OPTIONS.keep,
        maxGroups: AGGREGATOR_OPTIONS.maxGroups,
        interval: required(aDuration),
      }),
      ...SINK_FIELDS,
    }),
  ),
  flowLogs: checkedElsewhere,
  deadLetter: optionsOf<SinkConfig>("deadLetter", SINK_FIELDS),
  checkpoint: aPath,
  checkpointInterval: aDuration,
  maxBatchEvents: anInteger(1),
  maxWaitingEvents: anInteger(1),
  retry: optionsOf<RetryConfig>("retry", {
    initialDelay: aDuration,
    maxDelay: aDuration,
    maxAttempts: anInteger(1),
  }),
  stopTimeout: aDuration,
  listen: valueCheck("an address such as localhost:9965", (value) => {
    return typeof value === "string" && httpAddressOf(value) !== undefined;
  }),
});

/** The check of each kind, as fields of an object. */
function checksOf<Configs extends object, Opened>(
  kinds: Kinds<Configs, Opened>,
): { readonly [K in keyof Configs]-?: ValueCheck<NonNullable<Configs[K]>> } {
  const entries = Object.entries(kinds as Readonly<Record<string, { readonly check: unknown }>>);
  // The table has a row for each field.
  return Object.fromEntries(entries.map(([name, { check }]) => [name, check])) as {
    readonly [K in keyof Configs]-?: ValueCheck<NonNullable<Configs[K]>>;
  };
}

/**
 * Returns every fault of a configuration: unknown keys, types, filters, field masks, kinds, names that are used twice, and
 * secrets that are missing.
 */
export function configIssues(value: unknown, io: Pick<Io, "env">): readonly Issue[] {
  const issues: Issue[] = [];
  const report: ReportIssue = (path, message) => issues.push(issueOf(path, message));
  if (!isObject(value) || Array.isArray(value)) {
    anObject(value, "", report);
    return issues;
  }
  checkConfig(value, "", report);
  // What is missing or of another type was reported: the rest is checked all the same.
  const { source, allow, deny, outputs, flowLogs, deadLetter } = value as Partial<CollectConfig>;
  checkFilters(allow, deny, "", report);
  if (isObject(source)) {
    checkKind("a source", source, SOURCES, "source", report);
    checkSecrets(source, SOURCES, "source", io, report);
    const { observer } = source;
    if (isObject(observer)) checkFilters(observer.allow, observer.deny, "source.observer.", report);
  }
  checkOutputs(listOf(outputs), io, report);
  if (flowLogs !== undefined) for (const { path, message } of checkFlowLogs(flowLogs)) report(path, message);
  for (const [index, log] of listOf(flowLogs).entries()) {
    const { fieldAggregate = [], aggregationInterval } = isObject(log) ? (log as Partial<FlowLogConfig>) : {};
    if (fieldAggregate?.length > 0 && intervalMsOf(aggregationInterval) === 0) {
      report(`flowLogs[${index}].aggregationInterval`, "must be set with fieldAggregate, such as 30s");
    }
  }
  if (isObject(deadLetter)) {
    checkKind("a sink", deadLetter, SINKS, "deadLetter", report);
    checkSecrets(deadLetter, SINKS, "deadLetter", io, report);
  }
  const measured = listOf(outputs).filter((output) => isObject(output) && output.metrics !== undefined);
  if (measured.length > 1) report("outputs", "has metrics more than once; one output can have them");
  if (measured.length > 0 && (value as Partial<CollectConfig>).listen === undefined) {
    report("listen", "is needed for metrics, such as localhost:9965");
  }
  if (listOf(outputs).length + listOf(flowLogs).length === 0) {
    report("outputs", "needs at least one output, or flowLogs");
  }
  return issues;
}

function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}

function checkOutputs(outputs: readonly OutputConfig[], io: Pick<Io, "env">, report: ReportIssue): void {
  const names = new Set<string>();
  for (const [index, output] of outputs.entries()) {
    const path = `outputs[${index}]`;
    if (!isObject(output)) continue;
    const { name, allow, deny, fieldMask } = output;
    if (name === "") report(`${path}.name`, "must not be empty");
    if (names.has(name)) report(`${path}.name`, `is used twice: ${name}`);
    if (typeof name === "string") names.add(name);
    checkKind("a sink", output, SINKS, path, report);
    checkFilters(allow, deny, `${path}.`, report);
    if (fieldMask !== undefined) checkExportPaths(fieldMask, `${path}.fieldMask`, report);
    checkSecrets(output, SINKS, path, io, report);
  }
}

function checkFilters(
  allow: readonly FlowFilterInit[] | undefined,
  deny: readonly FlowFilterInit[] | undefined,
  prefix: string,
  report: ReportIssue,
): void {
  const lists = { ...(allow !== undefined && { allow }), ...(deny !== undefined && { deny }) };
  for (const { path, message } of checkFlowFilters(lists)) report(`${prefix}${path}`, message);
}

function checkSecrets<Configs extends object, Opened>(
  value: Configs,
  kinds: Kinds<Configs, Opened>,
  path: string,
  io: Pick<Io, "env">,
  report: ReportIssue,
): void {
  for (const name of kindOf(value, kinds)) {
    const config = value[name];
    if (isObject(config)) kinds[name].checkSecrets?.(config, `${path}.${name}`, io, report);
  }
}

import { checkOptions, optionIssues } from "../errors/check-options.js";
import { describeValue } from "../errors/describe-value.js";
import { FilterError, type Issue } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { suggest } from "../errors/suggest.js";
import { isObject } from "../errors/value-checks.js";
import type { FlowFilter } from "../gen/flow/flow_pb.js";
import { rulesOf } from "../hubble/version.js";
import { MessageIssues } from "../message/issues.js";
import { RegexBudget } from "../regex/budget.js";
import { re2jsEngine } from "../regex/regex.js";
import { createFlowEngine } from "./cel-engine.js";
import { combineTests, readsOf } from "./combine.js";
import { type EncodedPredicate, encodedPredicate } from "./encoded/predicate.js";
import { type FlowEnvelope, type FlowEvent, isFlow, withoutEnvelope } from "./event.js";
import type { FieldCompiler, FieldContext, FieldTest, FilterField } from "./field.js";
import { fieldPath } from "./field-values.js";
import { celExpression } from "./fields/cel.js";
import { eventType, networkInterface } from "./fields/event.js";
import { dnsQuery, httpHeader, httpMethod, httpPath, httpStatusCode, httpUrl } from "./fields/http.js";
import { ipTraceId, traceId, uuid } from "./fields/id.js";
import { destinationIdentity, sourceIdentity } from "./fields/identity.js";
import { destinationIp, sourceIp, sourceIpXlated } from "./fields/ip.js";
import { encrypted, ipVersion, protocol, tcpFlags } from "./fields/l4.js";
import { destinationLabel, nodeLabels, sourceLabel } from "./fields/label.js";
import { destinationFqdn, nodeName, sourceFqdn } from "./fields/name.js";
import {
  destinationClusterName,
  destinationPod,
  destinationService,
  destinationWorkload,
  sourceClusterName,
  sourcePod,
  sourceService,
  sourceWorkload,
} from "./fields/pod.js";
import { destinationPort, sourcePort } from "./fields/port.js";
import { dropReasonDesc, reply, trafficDirection, verdict } from "./fields/verdict.js";
import { type FlowFilterInit, toFlowFilter } from "./filter-init.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "./filter-options.js";
import { type JsonLinePredicate, withJsonLine } from "./json-line.js";
import type { ListedFilter } from "./list-index/compile-group.js";

/** Selects the events of a recorded or streamed list of flows. */
export interface FlowFilterLists {
  /** An event passes only if this list is empty or at least one of its filters matches. */
  readonly allow?: readonly FlowFilterInit[];
  /** An event does not pass if any of these filters matches. */
  readonly deny?: readonly FlowFilterInit[];
}

/**
 * Compiled filters.
 *
 * Events that arrive encoded are best evaluated with `bytes` or `response`: only the fields that the filters read are
 * decoded, which takes a small part of the time of decoding the whole event.
 *
 * @example
 * ```ts
 * const matches = compileFlowFilter({ verdict: ["DROPPED"] });
 * matches(flow);
 * matches.bytes(toBinary(FlowSchema, flow));
 * ```
 */
export interface FlowPredicate extends EncodedPredicate, JsonLinePredicate {
  /**
   * Whether an event matches. Accepts the event itself or its envelope. Never throws. Events are messages: an object
   * without `$typeName`, such as parsed JSON, is not a flow and matches only filters without fields. Create messages with
   * `create(FlowSchema, …)` or decode them.
   */
  (event: FlowEvent | FlowEnvelope): boolean;
}

/** Exhaustive: a field that is added to the message does not compile until it is listed here. */
const compilers: { readonly [K in FilterField]: FieldCompiler<K> } = {
  // The order in which Hubble compiles the fields and therefore reports faults (pkg/hubble/filters/filters.go).
  uuid,
  eventType,
  verdict,
  dropReasonDesc,
  reply,
  encrypted,
  sourceIdentity,
  destinationIdentity,
  protocol,
  sourceIp,
  destinationIp,
  sourceIpXlated,
  sourcePod,
  destinationPod,
  sourceWorkload,
  destinationWorkload,
  sourceService,
  destinationService,
  sourceFqdn,
  destinationFqdn,
  dnsQuery,
  sourceLabel,
  destinationLabel,
  nodeLabels,
  sourcePort,
  destinationPort,
  httpStatusCode,
  httpMethod,
  httpPath,
  httpUrl,
  httpHeader,
  tcpFlags,
  nodeName,
  sourceClusterName,
  destinationClusterName,
  ipVersion,
  traceId,
  trafficDirection,
  experimental: celExpression,
  interface: networkInterface,
  ipTraceId,
};

/** The fields of a FlowFilter, in the order in which they are compiled. */
export const FILTER_FIELDS = Object.keys(compilers) as readonly FilterField[];

/** A filter with its compiled fields. */
export interface CompiledFilter {
  readonly message: FlowFilter;
  readonly fields: readonly { readonly field: FilterField; readonly test: FieldTest }[];
}

/**
 * Compiles one filter into a predicate. An event matches if every field that is set matches; a field matches if any of
 * its elements does. A filter without fields matches every event.
 *
 * @throws FilterError with every fault and its path, such as `source_port[1]`; OptionsError.
 */
export function compileFlowFilter(filter: FlowFilterInit, options: FlowFilterOptions = {}): FlowPredicate {
  checkOptions("compileFlowFilter", options, FLOW_FILTER_OPTIONS);
  const compiler = new FilterCompiler(options);
  const compiled = compiler.compile(filter, "");
  if (compiler.issues.length > 0) throw new FilterError(compiler.issues);
  return toPredicate({ allow: [compiled], deny: [] }, options);
}

/**
 * Compiles allow and deny lists into one predicate. An event passes if the allow list is empty or one of its filters
 * matches, and no deny filter matches. For events of every kind, the result is the same as in Hubble v1.16.2, or in
 * v1.19.4 with `hubble: "1.19"`. Fields that are newer than 1.16 always behave as in 1.19.
 *
 * @throws FilterError with every fault of both lists and its path, such as `deny[0].source_port[1]`; OptionsError.
 */
export function compileFlowFilters(lists: FlowFilterLists, options: FlowFilterOptions = {}): FlowPredicate {
  checkOptions("compileFlowFilters", options, FLOW_FILTER_OPTIONS);
  const { allow, deny, issues } = compileLists(lists, options);
  if (issues.length > 0) throw new FilterError(issues);
  return toPredicate({ allow, deny }, options);
}

/**
 * Returns the issues that {@link compileFlowFilters} would throw; empty if the lists compile. If the options are
 * invalid, only the issues of the options are returned.
 */
export function checkFlowFilters(lists: FlowFilterLists, options: FlowFilterOptions = {}): readonly Issue[] {
  const issues = optionIssues("checkFlowFilters", options, FLOW_FILTER_OPTIONS);
  return issues.length > 0 ? issues : compileLists(lists, options).issues;
}

interface CompiledLists {
  readonly allow: readonly CompiledFilter[];
  readonly deny: readonly CompiledFilter[];
}

/** Compiles both lists field by field, for callers that need the individual fields. */
export function compileLists(
  lists: FlowFilterLists,
  options: FlowFilterOptions,
): CompiledLists & { readonly issues: readonly Issue[] } {
  const faults = listIssues(lists);
  if (faults.length > 0) return { allow: [], deny: [], issues: faults };
  const compiler = new FilterCompiler(options);
  const { allow = [], deny = [] } = lists;
  return {
    allow: compiler.compileList("allow", allow),
    deny: compiler.compileList("deny", deny),
    issues: compiler.issues,
  };
}

/** The other properties of the result of `parseFlowFlags`, which can be passed unchanged. */
const BESIDE_LISTS = ["number", "first", "since", "until", "follow", "positionals", "extra"];

/** Names that Hubble uses for the lists, by the property that is meant. */
const LIST_WORDS: Readonly<Record<string, string>> = {
  ...{ allowlist: "allow", whitelist: "allow", includefilters: "allow", include: "allow" },
  ...{ denylist: "deny", blacklist: "deny", excludefilters: "deny", exclude: "deny" },
};

/**
 * Returns the issues of the object that holds the lists. A misspelled list name would otherwise let every event pass.
 */
export function listIssues(lists: FlowFilterLists): Issue[] {
  if (!isObject(lists)) {
    return [issueOf("", `must be an object with the lists allow and deny, not ${describeValue(lists)}`)];
  }
  return Object.entries(lists).flatMap(([name, list]): Issue[] => {
    if (name === "allow" || name === "deny") {
      return list === undefined || Array.isArray(list) ? [] : [issueOf(name, "not a list of filters")];
    }
    if (BESIDE_LISTS.includes(name)) return [];
    const meant = suggest(name, ["allow", "deny"]) ?? LIST_WORDS[name.toLowerCase()];
    return [issueOf(name, `neither allow nor deny${meant === undefined ? "" : `; did you mean ${meant}?`}`)];
  });
}

/** Compiles filters that share their engines, and collects their issues. */
class FilterCompiler {
  readonly #issues = new MessageIssues();
  readonly #context: Omit<FieldContext, "report" | "filter">;

  constructor({ hubble, regex = re2jsEngine, cel }: FlowFilterOptions) {
    const regexBudget = new RegexBudget();
    this.#context = {
      rules: rulesOf(hubble),
      regex,
      regexBudget,
      cel: cel ?? createFlowEngine({ regex, regexBudget, ...(hubble && { hubble }) }),
    };
  }

  get issues(): readonly Issue[] {
    return this.#issues.issues;
  }

  compileList(name: "allow" | "deny", filters: readonly FlowFilterInit[]): CompiledFilter[] {
    // `map` would skip the holes of a sparse list.
    return Array.from(filters, (filter, index) => this.compile(filter, `${name}[${index}]`));
  }

  /** @param path The path of the filter, for issues. */
  compile(filter: FlowFilterInit, path: string): CompiledFilter {
    const message = toFlowFilter(filter, path, (at, text) => this.#issues.reportUnreadable(at, text));
    const fields: { field: FilterField; test: FieldTest }[] = [];
    // One context for all fields: creating one for each would take most of the time of a compilation.
    let at: FilterField;
    const context: FieldContext = {
      ...this.#context,
      filter: message,
      report: (text, index) => this.#report(path, at, text, index),
    };
    for (const field of FILTER_FIELDS) {
      at = field;
      const test = compileField(field, message, context);
      if (test !== undefined) fields.push({ field, test });
    }
    return { message, fields };
  }

  #report(filterPath: string, field: FilterField, message: string, index: number | undefined): void {
    const path = filterPath === "" ? fieldPath(field) : `${filterPath}.${fieldPath(field)}`;
    this.#issues.report(index === undefined ? path : `${path}[${index}]`, message);
  }
}

/** An empty list does not restrict anything: protobuf cannot distinguish it from an unset list. */
function compileField<K extends FilterField>(
  field: K,
  filter: FlowFilter,
  context: Parameters<FieldCompiler<K>>[1],
): FieldTest | undefined {
  const values: FlowFilter[K] = filter[field];
  if (values === undefined || (Array.isArray(values) && values.length === 0)) return undefined;
  return compilers[field](values, context);
}

/** The tests of compiled filters, for the functions that combine them. */
export function toListed({ message, fields }: CompiledFilter): ListedFilter {
  return { message, tests: fields.map(({ test }) => test) };
}

function toPredicate({ allow, deny }: CompiledLists, options: FlowFilterOptions): FlowPredicate {
  const lists = { allow: allow.map(toListed), deny: deny.map(toListed) };
  const { matches, matchesOther } = combineTests(lists);
  const matchesRest = (event: FlowEvent) => (isFlow(event) ? matches(event) : matchesOther(event));
  const predicate = (event: FlowEvent | FlowEnvelope) =>
    isFlow(event) ? matches(event) : matchesRest(withoutEnvelope(event));
  return withJsonLine(Object.assign(predicate, encodedPredicate(lists, options)), readsOf(lists));
}

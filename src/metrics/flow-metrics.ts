import { type Metric, type OpenMetricsContentType, Registry } from "prom-client";
import { systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkByteRange } from "../errors/check-byte-range.js";
import { fieldsOf, optionIssues } from "../errors/check-options.js";
import { OptionsError } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { aMessage, aString, required } from "../errors/value-checks.js";
import { type FlowEnvelope, type FlowEvent, withoutEnvelope } from "../filter/event.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import { rulesOf } from "../hubble/version.js";
import { createResponseScan, type ResponseScan } from "../message/decode-response.js";
import { fieldTree } from "../message/field-tree.js";
import { sharedStrings } from "../message/wire/string-cache.js";
import { type CheckedMetric, checkMetrics } from "./config/check.js";
import { type AnyMetric, type CreatedHandler, createHandler } from "./create-handlers.js";
import { DeletedPods } from "./deleted-pods.js";
import { LostEvents } from "./lost-events.js";
import {
  DEFAULT_MAX_SERIES,
  FLOW_METRICS_OPTIONS,
  type FlowMetricsOptions,
  type MetricsRegistry,
} from "./options.js";
import { maskPaths } from "./reads.js";
import { CounterMetric } from "./series/counter.js";

// Declares global types for programs without them.
export type {} from "../async/global-types.js";

/** A pod, as Kubernetes names it. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Hubble's metrics, counted from events. */
export interface FlowMetrics extends Disposable {
  /**
   * Counts an event: a flow, or lost events, also in an envelope. Other events do not count. The event is not kept.
   *
   * Never throws for an event. One that is not a valid message, such as a hand-made flow without lists, is counted in
   * `flowscribe_metrics_invalid_events_total`.
   *
   * @throws TypeError for what is not an event.
   */
  observe(event: FlowEvent | FlowEnvelope): void;
  /**
   * Counts the event in an encoded `observer.GetFlowsResponse`. Only the fields that the metrics read are decoded, into a
   * message that the next event overwrites.
   *
   * @param response The buffer with the response. It is not changed and not kept.
   * @param start The offset of the response in the buffer, in bytes; 0 by default.
   * @param end The offset after it; the length of the buffer by default.
   * @throws FlowscribeError with the code `malformed_message` if the bytes are not valid. Damage within a field that is not read
   * is not noticed.
   */
  observeResponse(response: Uint8Array, start?: number, end?: number): void;
  /** Reports that a pod is gone: the series that are bound to it are removed a minute later. */
  podDeleted(pod: PodName): void;
  /** All metrics of the registry in its text format. */
  metricsText(): Promise<string>;
  /** The content type of {@link metricsText}. */
  readonly contentType: string;
  /** The registry of prom-client. The metrics in it can be printed, reset and removed, but only events change them. */
  readonly registry: MetricsRegistry;
  /**
   * The fields of a Flow that the metrics read, sorted, as paths of a field mask such as `source.pod_name`: what a client has to
   * request, and a collector to keep. Removing all other fields changes no metric.
   */
  readonly reads: readonly string[];
  /** Removes the metrics from the registry. Events do not count any more. */
  close(): void;
}

/**
 * Creates Hubble's metrics, with the names, labels and values of Hubble's own. docs/metrics.md lists them, and how they differ.
 *
 * Needs prom-client, which is an optional peer dependency.
 *
 * @throws OptionsError with every fault of the options and of the configuration of metrics, see `parseHubbleMetrics`.
 *
 * @example
 * const metrics = createFlowMetrics({ metrics: "drop flow tcp dns:query" });
 * for await (const response of observe(transport, { follow: true })) metrics.observe(response);
 */
export function createFlowMetrics(options: FlowMetricsOptions): FlowMetrics {
  const issues = optionIssues("createFlowMetrics", options, FLOW_METRICS_OPTIONS);
  if (issues.length > 0) throw new OptionsError(issues);
  const { metrics, registry, openMetrics, hubble } = options;
  const checked = checkMetrics(metrics, hubble, (path, message) => issues.push(issueOf(path, message)));
  if (registry !== undefined && openMetrics !== undefined) {
    issues.push(
      issueOf("openMetrics", "has no effect on the registry that is given; create it with its format"),
    );
  }
  if (issues.length > 0) throw new OptionsError(issues);
  return new CountedFlowMetrics(checked, options);
}

const anEvent = aMessage("flow.Flow", "observer.GetFlowsResponse", "observer.ExportEvent");
const aPod = fieldsOf<PodName>({ namespace: required(aString), name: required(aString) });

class CountedFlowMetrics implements FlowMetrics {
  readonly registry: MetricsRegistry;
  readonly reads: readonly string[];
  readonly #handlers: readonly CreatedHandler[];
  readonly #observers: readonly ((flow: Flow) => void)[];
  readonly #lost = new LostEvents();
  readonly #dropped: CounterMetric;
  readonly #invalid: CounterMetric;
  /** By name. The registry changes that of a counter when it prints OpenMetrics. */
  readonly #registered: ReadonlyMap<string, AnyMetric>;
  readonly #deleted: DeletedPods;
  readonly #scan: () => ResponseScan;
  #isOpen = true;

  constructor(checked: readonly CheckedMetric[], options: FlowMetricsOptions) {
    const { maxSeriesPerMetric = DEFAULT_MAX_SERIES, clock = systemClock, hubble } = options;
    this.registry = options.registry ?? createRegistry(options.openMetrics ?? false);
    const now = () => clock.now();
    this.#deleted = new DeletedPods(now);
    this.#handlers = checked.map((metric) =>
      createHandler(metric, {
        maxSeries: maxSeriesPerMetric,
        eventNames: rulesOf(hubble).eventNames,
        hasExemplars: this.registry.contentType === Registry.OPENMETRICS_CONTENT_TYPE,
        now,
        beforeRead: () => this.#removeDue(),
        onDropped: (name) => addTo(this.#dropped, name, 1),
      }),
    );
    this.#observers = this.#handlers.map(({ observe }) => observe);
    const counted = this.#handlers.flatMap(({ metrics }) => metrics);
    this.#dropped = new CounterMetric({
      name: "flowscribe_metrics_dropped_observations_total",
      help: "Observations that are in no series, because their metric has the maximum number of series",
      labelNames: ["metric"],
      maxSeries: counted.length,
    });
    for (const { name } of counted) addTo(this.#dropped, name, 0);
    this.#invalid = new CounterMetric({
      name: "flowscribe_metrics_invalid_events_total",
      help: "Events that are not valid messages, and may be in some of the metrics only",
      labelNames: ["type"],
      maxSeries: 2,
    });
    for (const type of ["flow", "lost_events"]) addTo(this.#invalid, type, 0);
    const all = [...counted, this.#lost.metric, this.#dropped, this.#invalid];
    this.#registered = new Map(all.map((metric) => [metric.name, metric]));
    this.#register();
    const reads = [...new Set(this.#handlers.flatMap((handler) => handler.reads))];
    this.reads = maskPaths(reads);
    let scan: ResponseScan | undefined;
    this.#scan = () => {
      scan ??= createResponseScan({ flow: fieldTree(reads), lost_events: true }, sharedStrings);
      return scan;
    };
  }

  observe(event: FlowEvent | FlowEnvelope): void {
    const inner = withoutEnvelope(event);
    if (!this.#isOpen) return;
    if (!this.#deleted.isEmpty) this.#removeDue();
    switch (inner?.$typeName) {
      case "flow.Flow":
        try {
          const observers = this.#observers;
          for (let index = 0; index < observers.length; index++) observers[index]!(inner);
        } catch {
          addTo(this.#invalid, "flow", 1);
        }
        return;
      case "flow.LostEvent":
        try {
          this.#lost.observe(inner);
        } catch {
          addTo(this.#invalid, "lost_events", 1);
        }
        return;
      case "flow.AgentEvent":
      case "flow.DebugEvent":
        return;
      default:
        if (inner !== undefined) checkArgument("observe", "event", inner, anEvent);
    }
  }

  observeResponse(response: Uint8Array, start = 0, end: number = response?.length): void {
    checkByteRange("observeResponse", "response", response, start, end);
    this.observe(this.#scan()(response, start, end));
  }

  podDeleted(pod: PodName): void {
    checkArgument("podDeleted", "pod", pod, aPod);
    this.#removePods(this.#deleted.add(pod.namespace, pod.name));
  }

  metricsText(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const [name, metric] of this.#registered) {
      // The program may have removed it, and have another one by now.
      const isOurs = this.registry.getSingleMetric(name) === (metric as unknown);
      if (isOurs) this.registry.removeSingleMetric(name);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #register(): void {
    const issues = [...this.#registered.keys()]
      .filter((name) => this.registry.getSingleMetric(name) !== undefined)
      .map((name) => issueOf("registry", `already has ${name}; use another registry`));
    if (issues.length > 0) throw new OptionsError(issues);
    for (const metric of this.#registered.values()) {
      // The type of the registry has classes of prom-client; it uses what SeriesMetric has of them.
      this.registry.registerMetric(metric as unknown as Metric<string>);
    }
  }

  #removeDue(): void {
    this.#removePods(this.#deleted.takeDue());
  }

  #removePods(pods: ReadonlySet<string>): void {
    if (pods.size === 0) return;
    for (const { removePods } of this.#handlers) removePods(pods);
  }
}

function createRegistry(openMetrics: boolean): MetricsRegistry {
  if (!openMetrics) return new Registry();
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

function addTo(counter: CounterMetric, label: string, count: number): void {
  counter.values[0] = label;
  counter.add(count);
}

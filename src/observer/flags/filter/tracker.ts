import { create, equals } from "@bufbuild/protobuf";
import { type FlowFilter, FlowFilterSchema } from "../../../gen/flow/flow_pb.js";
import type { HubbleRules } from "../../../hubble/rules.js";
import type { FilterFlagName } from "../flow-flags.js";
import { findConflict } from "./conflicts.js";
import { addNamespaces, describeApart, describeOutside, disagree, namespaceOf } from "./namespaces.js";

/** The end of a flow that a flag applies to. */
export type End = "source" | "destination" | "either";

const FIELDS = {
  pod: { source: "sourcePod", destination: "destinationPod" },
  service: { source: "sourceService", destination: "destinationService" },
} as const;

/** Collects the flags of one list, allow or deny. A flow matches if it matches the left filter or the right one. */
export class FilterTracker {
  readonly rules: HubbleRules;
  readonly #given = new Set<FilterFlagName>();
  #left: FlowFilter | undefined;
  #right: FlowFilter | undefined;
  readonly #namespaces: Record<End, string[]> = { either: [], source: [], destination: [] };

  /** Distinct namespaces, for a fast check that they agree; "" for names without a namespace. */
  readonly #known = {
    given: { either: new Set<string>(), source: new Set<string>(), destination: new Set<string>() },
    pod: { source: new Set<string>(), destination: new Set<string>() },
    service: { source: new Set<string>(), destination: new Set<string>() },
  };

  constructor(rules: HubbleRules) {
    this.rules = rules;
  }

  /** Records that a flag is given. Returns the error text if it conflicts with an earlier one. */
  note(flag: FilterFlagName): string | undefined {
    if (this.#given.has(flag)) return undefined;
    this.#given.add(flag);
    return findConflict(this.#given, this.rules);
  }

  /** Changes both filters. Flags for either end of a flow change the right filter differently. */
  change(changeLeft: (filter: FlowFilter) => void, changeRight = changeLeft): void {
    this.#left ??= create(FlowFilterSchema);
    this.#right ??= create(FlowFilterSchema);
    changeLeft(this.#left);
    changeRight(this.#right);
  }

  /**
   * Adds a namespace that {@link toFilters} prepends to the names of pods and services; "" for any. Returns the error
   * text of a conflict.
   */
  addNamespace(end: End, namespace: string): string | undefined {
    this.#namespaces[end].push(namespace);
    this.#known.given[end].add(namespace);
    return this.#findDisagreement();
  }

  /** Adds the name of a pod or service, which may contain a namespace. Returns the error text of a conflict. */
  addName(kind: "pod" | "service", end: End, name: string): string | undefined {
    const { source, destination } = FIELDS[kind];
    const known = this.#known[kind];
    if (end !== "destination") known.source.add(namespaceOf(name));
    if (end !== "source") known.destination.add(namespaceOf(name));
    this.change(
      (filter) => filter[end === "destination" ? destination : source].push(name),
      (filter) => filter[end === "source" ? source : destination].push(name),
    );
    return this.#findDisagreement();
  }

  /** Returns the filters of the list: empty without flags, one if both filters are equal, otherwise two. */
  toFilters(): FlowFilter[] {
    if (this.#given.size === 0) return [];
    const left = this.#left ?? create(FlowFilterSchema);
    const right = this.#right ?? create(FlowFilterSchema);
    const { either, source, destination } = this.#namespaces;
    for (const filter of [left, right]) {
      applyNamespaces(filter, "destination", destination);
      applyNamespaces(filter, "source", source);
    }
    applyNamespaces(left, "source", either);
    applyNamespaces(right, "destination", either);
    return equals(FlowFilterSchema, left, right) ? [left] : [left, right];
  }

  /**
   * Returns Hubble's error text for conflicting namespaces. Called after every change: everything agreed before, so the
   * search through all names runs at most once.
   */
  #findDisagreement(): string | undefined {
    const { given, pod, service } = this.#known;
    const agree = !(["source", "destination"] as const).some(
      (end) =>
        disagree(pod[end], given.either) ||
        disagree(service[end], given.either) ||
        disagree(pod[end], given[end]) ||
        disagree(service[end], given[end]) ||
        disagree(pod[end], service[end]),
    );
    if (agree) return undefined;
    return this.#describeDisagreement(this.#left) ?? this.#describeDisagreement(this.#right);
  }

  #describeDisagreement(filter: FlowFilter | undefined): string | undefined {
    if (filter === undefined) return undefined;
    const { either, source, destination } = this.#namespaces;
    const faults = [
      describeOutside(either, filter.sourcePod),
      describeOutside(either, filter.sourceService),
      describeOutside(either, filter.destinationPod),
      describeOutside(either, filter.destinationService),
      describeOutside(source, filter.sourcePod),
      describeOutside(source, filter.sourceService),
      describeOutside(destination, filter.destinationPod),
      describeOutside(destination, filter.destinationService),
      describeApart(filter.sourcePod, filter.sourceService),
      describeApart(filter.destinationPod, filter.destinationService),
    ].filter((fault) => fault !== undefined);
    return faults.length === 0 ? undefined : faults.join("\n");
  }
}

/** If the end has no pods or services, the namespaces select all pods in them. */
function applyNamespaces(
  filter: FlowFilter,
  end: "source" | "destination",
  namespaces: readonly string[],
): void {
  if (namespaces.length === 0) return;
  const pods = FIELDS.pod[end];
  const services = FIELDS.service[end];
  if (filter[pods].length === 0 && filter[services].length === 0) filter[pods].push("");
  filter[pods] = addNamespaces(filter[pods], namespaces);
  filter[services] = addNamespaces(filter[services], namespaces);
}

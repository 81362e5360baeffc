import { create, equals } from "@bufbuild/protobuf";
import { type FlowFilter, FlowFilterSchema } from "../../gen/flow/flow_pb.js";
import { findConflict } from "./filter-conflicts.js";
import type { FilterFlagName } from "./flow-flags.js";
import { addNamespaces, describeApart, describeOutside, disagree, namespaceOf } from "./namespaces.js";

/** Which end of a flow a flag is about. */
export type End = "source" | "destination" | "either";

const FIELDS = {
  pod: { source: "sourcePod", destination: "destinationPod" },
  service: { source: "sourceService", destination: "destinationService" },
} as const;

/** What the flags have said of one list, allow or deny, so far: a flow matches the left filter or the right. */
export class FilterTracker {
  readonly #given = new Set<FilterFlagName>();
  #left: FlowFilter | undefined;
  #right: FlowFilter | undefined;
  readonly #namespaces: Record<End, string[]> = { either: [], source: [], destination: [] };

  /** Different namespaces, for finding out quickly that they agree; "" for names that tell none. */
  readonly #known = {
    given: { either: new Set<string>(), source: new Set<string>(), destination: new Set<string>() },
    pod: { source: new Set<string>(), destination: new Set<string>() },
    service: { source: new Set<string>(), destination: new Set<string>() },
  };

  /** Notes that a flag is given; a text says of two that they cannot be combined. */
  note(flag: FilterFlagName): string | undefined {
    if (this.#given.has(flag)) return undefined;
    this.#given.add(flag);
    return findConflict(this.#given);
  }

  /** Changes both filters; flags about either end of a flow change the right one differently. */
  change(changeLeft: (filter: FlowFilter) => void, changeRight = changeLeft): void {
    this.#left ??= create(FlowFilterSchema);
    this.#right ??= create(FlowFilterSchema);
    changeLeft(this.#left);
    changeRight(this.#right);
  }

  /** Adds a namespace, to be put before the names of pods and services in the end; "" for any. */
  addNamespace(end: End, namespace: string): string | undefined {
    this.#namespaces[end].push(namespace);
    this.#known.given[end].add(namespace);
    return this.#findDisagreement();
  }

  /** Adds the name of a pod or service, which may tell its namespace. */
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

  /** The filters of the list: none without flags, one when both would be the same. */
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
   * Namespaces that contradict each other, in Hubble's words. Asked after every change: what differs now agreed before,
   * so that looking through all names happens once at most.
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

/** Without pods and services of the end, the namespaces stand for all pods in them. */
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

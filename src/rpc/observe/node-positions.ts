import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import type { JsonValue } from "../../observer/events/event-source.js";
import { OVERLAP_MS } from "./resumption.js";

/** How far before the latest flow of a node its flows are known by UUID: they may arrive out of order by less. */
const OVERLAP_NS = BigInt(OVERLAP_MS) * 1_000_000n;

/** The maximum number of UUIDs that are kept for a node. Beyond, flows can be repeated after a restart, but none is missed. */
const MAX_UUIDS = 65_536;

/** What is known of a node. */
interface NodePosition {
  latest: bigint;
  /** UUIDs of the last seconds before `latest`, in order of arrival, with their times. */
  readonly uuids: Map<string, bigint>;
}

/** How far the flows of each node are acknowledged. */
export class NodePositions {
  readonly #nodes = new Map<string, NodePosition>();
  readonly #maxAgeNs: bigint;

  /** @param maxAgeMs A node whose latest flow is older than that of another node by more is forgotten. */
  constructor(maxAgeMs: number) {
    this.#maxAgeNs = BigInt(Math.floor(maxAgeMs)) * 1_000_000n;
  }

  /** Remembers a flow. Other events have no identity, so that they may be repeated. */
  add({ kind, time, uuid, node }: EncodedEvent): void {
    if (kind !== "flow" || time === undefined) return;
    let position = this.#nodes.get(node);
    if (position === undefined) {
      position = { latest: time, uuids: new Map() };
      this.#nodes.set(node, position);
    }
    if (time > position.latest) position.latest = time;
    if (uuid === "" || time < position.latest - OVERLAP_NS) return;
    position.uuids.set(uuid, time);
    // Both loops remove what they visit, except for the last one: flows arrive nearly in order.
    for (const [old, oldTime] of position.uuids) {
      if (oldTime >= position.latest - OVERLAP_NS && position.uuids.size <= MAX_UUIDS) break;
      position.uuids.delete(old);
    }
  }

  /** Whether a flow was acknowledged before. */
  has({ kind, time, uuid, node }: EncodedEvent): boolean {
    if (kind !== "flow" || time === undefined) return false;
    const position = this.#nodes.get(node);
    if (position === undefined) return false;
    return time < position.latest - OVERLAP_NS || position.uuids.has(uuid);
  }

  /** The time in nanoseconds from which on flows are needed; undefined if nothing is known. */
  get since(): bigint | undefined {
    let earliest: bigint | undefined;
    for (const { latest } of this.#nodes.values()) {
      if (earliest === undefined || latest < earliest) earliest = latest;
    }
    return earliest && earliest - OVERLAP_NS;
  }

  toJson(): JsonValue {
    this.#forgetOld();
    return {
      nodes: Object.fromEntries(
        [...this.#nodes].map(([node, { latest, uuids }]) => [
          node,
          { time: String(latest), uuids: [...uuids].map(([uuid, time]) => [uuid, String(latest - time)]) },
        ]),
      ),
    };
  }

  /** @throws Error for a value that {@link toJson} has not returned. */
  load(json: JsonValue): void {
    for (const [node, value] of Object.entries(objectOf(objectOf(json).nodes))) {
      const { time, uuids } = objectOf(value);
      const latest = BigInt(textOf(time));
      const position: NodePosition = { latest, uuids: new Map() };
      for (const entry of listOf(uuids)) {
        const [uuid, before] = listOf(entry);
        position.uuids.set(textOf(uuid), latest - BigInt(textOf(before)));
      }
      this.#nodes.set(node, position);
    }
  }

  #forgetOld(): void {
    let newest = 0n;
    for (const { latest } of this.#nodes.values()) if (latest > newest) newest = latest;
    for (const [node, { latest }] of this.#nodes) {
      if (latest < newest - this.#maxAgeNs) this.#nodes.delete(node);
    }
  }
}

function objectOf(value: JsonValue | undefined): Readonly<Record<string, JsonValue>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid();
  return value as Readonly<Record<string, JsonValue>>;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw invalid();
  return value;
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== "string") throw invalid();
  return value;
}

function invalid(): Error {
  return new Error("the position is not one of an Observer source");
}

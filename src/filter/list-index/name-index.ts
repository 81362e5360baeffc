import type { Flow } from "../../gen/flow/flow_pb.js";
import type { NamePattern } from "../pattern/pattern-match.js";
import type { Bucket, FlowIndex, FlowTest, KeyCondition } from "./flow-index.js";
import { prefixLookup, suffixLookup, type TextLookup } from "./prefix-index.js";

/** What a name must be, begin with, or end with. */
export interface NamePart {
  readonly at: "whole" | "start" | "end";
  readonly text: string;
}

/** The conditions that a pattern sets on a name; empty if it accepts names with any beginning and end. */
export function nameConditions(pattern: NamePattern | undefined): KeyCondition<NamePart>[] {
  if (pattern === undefined) return [];
  const { literals } = pattern;
  const first = literals[0]!;
  const last = literals.at(-1)!;
  if (literals.length === 1) return [{ values: [{ at: "whole", text: first }], suffices: true }];
  return endConditions(first, last);
}

/** An index by DNS names of which a flow may have several. */
export function namesIndex(cost: number, read: (flow: Flow) => readonly string[]): FlowIndex<NamePart> {
  return {
    cost,
    nameOf: pathOf,
    pathOf,
    compile(buckets) {
      const find = nameLookup(buckets);
      return (flow) => {
        const names = read(flow);
        for (let index = 0; index < names.length; index++) if (find(names[index]!, flow)) return true;
        return false;
      };
    },
  };
}

/** An index by the beginning and the end of a string. */
export function textIndex(cost: number, read: (flow: Flow) => string | undefined): FlowIndex<NamePart> {
  return {
    cost,
    nameOf: pathOf,
    pathOf,
    compile(buckets) {
      const find = nameLookup(buckets);
      return (flow) => {
        const text = read(flow);
        return text !== undefined && find(text, flow);
      };
    },
  };
}

/** The conditions that a required beginning and end set on a string; "" sets none. */
export function endConditions(prefix: string, suffix: string): KeyCondition<NamePart>[] {
  const parts: NamePart[] = [
    { at: "start", text: prefix },
    { at: "end", text: suffix },
  ];
  return parts.filter(({ text }) => text !== "").map((part) => ({ values: [part], suffices: false }));
}

/** A part of the name of a node, or of the cluster before its slash. */
export interface NodeNamePart extends NamePart {
  readonly of: "node" | "cluster";
}

/** An index by node names. A name without a cluster is in `defaultCluster`; an empty name never matches. */
export function nodeNameIndex(
  cost: number,
  read: (flow: Flow) => string,
  defaultCluster: string,
): FlowIndex<NodeNamePart> {
  const path = (part: NodeNamePart) => `${part.of} ${pathOf(part)}`;
  return {
    cost,
    nameOf: path,
    pathOf: path,
    compile(buckets) {
      const lookupOf = (of: NodeNamePart["of"]) => {
        const own = buckets.filter(({ value }) => value.of === of);
        return own.length === 0 ? undefined : nameLookup(own);
      };
      const byNode = lookupOf("node");
      const byCluster = lookupOf("cluster");
      return (flow) => {
        const name = read(flow);
        if (name === "") return false;
        const slash = name.indexOf("/");
        if (byNode?.(slash < 0 ? name : name.slice(slash + 1), flow) === true) return true;
        return byCluster?.(slash < 0 ? defaultCluster : name.slice(0, slash), flow) === true;
      };
    },
  };
}

/** The end of a name is reversed, so that longer ends follow shorter ones. */
function pathOf({ at, text }: NamePart): string {
  return at === "end"
    ? `end ${text.split("").reverse().join("")}`
    : `${at} ${text}${at === "whole" ? "\n" : ""}`;
}

function nameLookup(buckets: readonly Bucket<NamePart>[]): TextLookup {
  const at = (wanted: NamePart["at"]) =>
    buckets
      .filter(({ value }) => value.at === wanted)
      .map(({ value, test }): Bucket<string> => ({ value: value.text, test }));
  const whole = new Map<string, FlowTest>(at("whole").map(({ value, test }) => [value, test]));
  const starts = at("start");
  const ends = at("end");
  const byStart = starts.length === 0 ? undefined : prefixLookup(starts);
  const byEnd = ends.length === 0 ? undefined : suffixLookup(ends);
  return (name, flow) =>
    (whole.size > 0 && whole.get(name)?.(flow) === true) ||
    byStart?.(name, flow) === true ||
    byEnd?.(name, flow) === true;
}

import type { Flow } from "../gen/flow/flow_pb.js";
import type { FlowEvent } from "./event.js";
import { allHold, anyHolds } from "./list-index/any-holds.js";
import { compileFilters, INDEX_SIZE, type ListedFilter } from "./list-index/compile-group.js";

type OtherEvent = Exclude<FlowEvent, Flow>;

/** Whether any of a list of filters matches. */
export interface AnyTest {
  readonly matches: (flow: Flow) => boolean;
  readonly matchesOther: (event: OtherEvent) => boolean;
}

/** Compiles a list of filters into one test. For flows, an index over the filters selects the candidates. */
export function compileAny(filters: readonly ListedFilter[]): AnyTest {
  return { matches: compileFilters(filters), matchesOther: compileOther(filters.flatMap(otherTest)) };
}

/** The types of agent and debug events are below this number. */
const KNOWN_TYPES = 256;

/** For many filters, the result for each kind of event is cached. Nothing else of an event is compared. */
function compileOther(tests: readonly ((event: OtherEvent) => boolean)[]): (event: OtherEvent) => boolean {
  const matches = anyHolds(tests);
  if (tests.length < INDEX_SIZE) return matches;
  const known = new Map<string | undefined, boolean[]>(KINDS.map((name) => [name, []]));
  return (event) => {
    const results = known.get(event?.$typeName);
    const type =
      event?.$typeName === "flow.AgentEvent" || event?.$typeName === "flow.DebugEvent" ? event.type : 0;
    if (results === undefined || type >>> 0 !== type || type >= KNOWN_TYPES) return matches(event);
    results[type] ??= matches(event);
    return results[type];
  };
}

/** The kinds of events that are not flows; undefined stands for a response without an event. */
const KINDS = ["flow.AgentEvent", "flow.DebugEvent", "flow.LostEvent", undefined] as const;

/** The test for events that are not flows; empty if the filter can only match flows. */
function otherTest({ tests }: ListedFilter): ((event: OtherEvent) => boolean)[] {
  const others = tests.flatMap(({ matchesOther }) => (matchesOther === undefined ? [] : [matchesOther]));
  return others.length < tests.length ? [] : [allHold(others)];
}

import type { Flow } from "../gen/flow/flow_pb.js";
import type { FlowEvent } from "./event.js";
import { allHold, anyHolds } from "./list-index/any-holds.js";
import { compileFilters, type ListedFilter } from "./list-index/compile-group.js";

type OtherEvent = Exclude<FlowEvent, Flow>;

/** Whether any of a list of filters matches. */
export interface AnyTest {
  readonly matches: (flow: Flow) => boolean;
  readonly matchesOther: (event: OtherEvent) => boolean;
}

/** Compiles a list of filters into one test. For flows, an index over the filters selects the candidates. */
export function compileAny(filters: readonly ListedFilter[]): AnyTest {
  return { matches: compileFilters(filters), matchesOther: anyHolds(filters.flatMap(otherTest)) };
}

/** The test for events that are not flows; empty if the filter can only match flows. */
function otherTest({ tests }: ListedFilter): ((event: OtherEvent) => boolean)[] {
  const others = tests.flatMap(({ matchesOther }) => (matchesOther === undefined ? [] : [matchesOther]));
  return others.length < tests.length ? [] : [allHold(others)];
}

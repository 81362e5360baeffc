import { checkArgument } from "../errors/check-argument.js";
import { optionsOf } from "../errors/check-options.js";
import { aBoolean, aCount, anIterable, anObject, checkedElsewhere } from "../errors/value-checks.js";
import { compileFlowFilters, type FlowFilterLists, type FlowFilterOptions } from "../filter/index.js";
import type { FlowFlags } from "./flags/index.js";
import { type MAX_LAST, type Selectable, type SelectionLimits, selectMatching } from "./select-matching.js";

/** Selects responses: the result of `parseFlowFlags`, or a part of it. */
export type FlowSelection = FlowFilterLists & SelectionLimits;

/** Also accepts the other properties of the result of `parseFlowFlags`. */
const A_SELECTION = optionsOf<FlowSelection & Partial<Omit<FlowFlags, "allow" | "deny">>>("selection", {
  // Checked when they are compiled.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  number: aCount,
  first: aBoolean,
  since: anObject,
  until: anObject,
  follow: checkedElsewhere,
  positionals: checkedElsewhere,
  extra: checkedElsewhere,
});

/**
 * Selects responses as `hubble observe --input-file` does: yields those within the time range, bounds included, that
 * pass the filters, limited to the first or last `number`. Keeps their order. The time is that of the response, not of
 * the flow; a response without a time counts as 1970. Filters only receive flows; every other event is passed to them
 * as undefined.
 *
 * Does not read ahead. Without a number, responses are yielded as they arrive. With `first`, it stops pulling as soon
 * as the number is reached. Otherwise the last responses (at most {@link MAX_LAST}) are buffered and yielded at the end
 * of the stream; if the stream fails, its error is thrown after them.
 *
 * @throws FilterError for filters that do not compile; FlagError for more than {@link MAX_LAST}; OptionsError;
 *   TypeError for another invalid argument. All are thrown by the call itself.
 */
export function selectFlows<T extends Selectable>(
  batches: AsyncIterable<readonly T[]>,
  selection: FlowSelection,
  options: FlowFilterOptions = {},
): AsyncGenerator<T[], void, undefined> {
  checkArgument("selectFlows", "batches", batches, anIterable);
  checkArgument("selectFlows", "selection", selection, A_SELECTION);
  const { allow = [], deny = [] } = selection;
  return selectMatching(batches, selection, compileFlowFilters({ allow, deny }, options));
}

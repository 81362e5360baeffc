import { walkArguments } from "../observer/flags/arguments.js";
import { type ExtraFlag, FlagStore, type ValuesOf } from "../observer/flags/flag-values.js";

/**
 * The flags of a command that has none about flows, read as `parseFlowFlags` reads those that have.
 *
 * @throws FlagError at the first fault.
 */
export function readFlags<const Flags extends readonly ExtraFlag[]>(
  args: readonly string[],
  flags: Flags,
): { readonly values: ValuesOf<Flags>; readonly positionals: readonly string[] } {
  const kinds = new Map(flags.map(({ name, value }) => [name, value]));
  const store = new FlagStore();
  const positionals = walkArguments(args, flags, ({ name }, value) =>
    // The walker only knows flags of this list.
    store.set(name, kinds.get(name)!, value),
  );
  // Each value was read by the kind that its flag has.
  return { values: store.toObject() as ValuesOf<Flags>, positionals };
}

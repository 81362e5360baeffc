import { walkArguments } from "../../observer/flags/arguments.js";
import { type ExtraFlag, FlagStore, type ValuesOf } from "../../observer/flags/flag-values.js";

/**
 * Parses the flags of a command without flow flags, in the same way as `parseFlowFlags`.
 *
 * @throws FlagError for the first error.
 */
export function readFlags<const Flags extends readonly ExtraFlag[]>(
  args: readonly string[],
  flags: Flags,
): { readonly values: ValuesOf<Flags>; readonly positionals: readonly string[] } {
  const kinds = new Map(flags.map(({ name, value }) => [name, value]));
  const store = new FlagStore();
  const positionals = walkArguments(args, flags, (flag, value) =>
    // Never undefined: the walker only reports flags of this list.
    store.set(flag, kinds.get(flag.name)!, value),
  );
  // The cast is true: each value was parsed according to the kind of its flag.
  return { values: store.toObject() as ValuesOf<Flags>, positionals };
}

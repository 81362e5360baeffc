import type { ReportIssue, ValueCheck } from "../../errors/value-checks.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";

/** What opening a source or a sink needs. */
export interface OpenContext {
  readonly io: Io;
  readonly messages: Messages;
  /** Called with what is served at /metrics besides the counts of the collector. */
  readonly addMetrics: (text: () => Promise<string>) => void;
}

/** A kind of source or sink: the fields of its configuration, and how it is opened. */
export interface Kind<Config, Opened> {
  readonly check: ValueCheck<Config>;
  /** Reports what only shows outside of the configuration, such as a missing secret. Opens nothing. */
  readonly checkSecrets?: (config: Config, path: string, io: Pick<Io, "env">, report: ReportIssue) => void;
  open(config: Config, context: OpenContext): Promise<Opened>;
}

/** The kinds by their names in the configuration. */
export type Kinds<Configs, Opened> = {
  readonly [K in keyof Configs]-?: Kind<NonNullable<Configs[K]>, Opened>;
};

/** The one kind that is set in an object of which each kind is a field. */
export function kindOf<Configs extends object, Opened>(
  value: Configs,
  kinds: Kinds<Configs, Opened>,
): readonly (keyof Configs & string)[] {
  return (Object.keys(kinds) as (keyof Configs & string)[]).filter((name) => value[name] !== undefined);
}

/** Checks that exactly one kind is set. */
export function checkKind<Configs extends object, Opened>(
  what: string,
  value: Configs,
  kinds: Kinds<Configs, Opened>,
  path: string,
  report: ReportIssue,
): void {
  const set = kindOf(value, kinds);
  if (set.length === 1) return;
  const names = Object.keys(kinds).join(", ");
  report(
    path,
    set.length === 0 ? `needs ${what}: one of ${names}` : `has ${set.join(" and ")}; only one can be used`,
  );
}

/** Opens the kind that is set. */
export function openKind<Configs extends object, Opened>(
  value: Configs,
  kinds: Kinds<Configs, Opened>,
  context: OpenContext,
): Promise<Opened> {
  // The check has found exactly one.
  const [name] = kindOf(value, kinds) as [keyof Configs & string];
  return kinds[name].open(value[name]!, context);
}

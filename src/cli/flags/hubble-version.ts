import { HUBBLE_VERSIONS, type HubbleVersion } from "../../hubble/version.js";
import { walkArguments } from "../../observer/flags/arguments.js";
import type { ExtraFlag } from "../../observer/flags/flag-values.js";
import { type Flag, FlagError } from "../../observer/index.js";
import { UsageError } from "../error-text.js";
import type { Io } from "../io/io.js";
import { OTHER_GROUP } from "./common-flags.js";

/** The version of Hubble whose flags, filters and formats apply. */
export const HUBBLE_VERSION_FLAG = {
  name: "hubble-version",
  value: "enum",
  choices: HUBBLE_VERSIONS,
  placeholder: "VERSION",
  default: "1.16, or the version of the server",
  group: OTHER_GROUP,
  help: "Work like this version of Hubble. Environment: FLOWSCRIBE_HUBBLE_VERSION.",
} as const satisfies ExtraFlag;

const VARIABLE = "FLOWSCRIBE_HUBBLE_VERSION";

/**
 * Finds the version in arguments or environment before the arguments are parsed, as it determines how. Ignores faults,
 * which parsing reports; undefined if no version is given.
 *
 * @throws UsageError for an unknown version in the environment.
 */
export function findHubbleVersion(
  args: readonly string[],
  flags: readonly Flag[],
  { env }: Pick<Io, "env">,
): HubbleVersion | undefined {
  let found: HubbleVersion | undefined;
  try {
    walkArguments(args, flags, (flag, value) => {
      if (flag.name === HUBBLE_VERSION_FLAG.name) found = knownVersion(value) ?? found;
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
  }
  const text = env[VARIABLE] ?? "";
  if (found !== undefined || text === "") return found;
  const version = knownVersion(text);
  if (version !== undefined) return version;
  throw new UsageError(`invalid ${VARIABLE}: expected one of ${HUBBLE_VERSIONS.join(", ")}`);
}

function knownVersion(text: string): HubbleVersion | undefined {
  return HUBBLE_VERSIONS.find((version) => version === text);
}

/**
 * The version whose answers are closest to those of a server: 1.19 for Hubble 1.17 and later. Undefined if the server does
 * not report its version, or not in the form `1.19.4`, possibly with `v` or a program name before it.
 */
export function versionOfServer(reported: string | undefined): HubbleVersion | undefined {
  const [, major, minor] = /(?:^|[\sv])(\d{1,4})\.(\d{1,4})(?:\.|$)/.exec(reported ?? "") ?? [];
  if (minor === undefined) return undefined;
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 17) ? "1.19" : "1.16";
}

import { oneOf, type ValueCheck } from "../errors/value-checks.js";
import { type HubbleRules, RULES } from "./rules.js";

/**
 * The versions of Hubble whose answers are available: `1.16` is v1.16.2, `1.19` is v1.19.4. Hubble 1.17 and 1.18 are
 * closer to 1.19.
 */
export const HUBBLE_VERSIONS = ["1.16", "1.19"] as const;

/** A version of Hubble, one of {@link HUBBLE_VERSIONS}. docs/versions.md lists the differences. */
export type HubbleVersion = (typeof HUBBLE_VERSIONS)[number];

/** The version that applies if the option `hubble` is not given. */
export const DEFAULT_HUBBLE_VERSION = "1.16" satisfies HubbleVersion;

/** The check for the option `hubble`. */
export const aHubbleVersion: ValueCheck<HubbleVersion> = oneOf(...HUBBLE_VERSIONS);

/** The rules of a version; those of {@link DEFAULT_HUBBLE_VERSION} if it is undefined. */
export function rulesOf(version: HubbleVersion = DEFAULT_HUBBLE_VERSION): HubbleRules {
  return RULES[version];
}

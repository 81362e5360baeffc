import { type ValueCheck, valueCheck } from "../errors/value-checks.js";

/** The names that Kafka accepts for topics. */
export const aTopic: ValueCheck<string> = valueCheck(
  "a topic of 1 to 249 letters, digits and the characters . _ -",
  (value) => typeof value === "string" && /^(?!\.\.?$)[\w.-]{1,249}$/.test(value),
);

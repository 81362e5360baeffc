import { type ValueCheck, valueCheck } from "../errors/value-checks.js";

/** The names that JetStream accepts for streams and consumers. */
export const aJetStreamName: ValueCheck<string> = valueCheck(
  "a name of 1 to 255 characters without white space and the characters . * > / \\",
  (value) => typeof value === "string" && /^[^\s.*>/\\]{1,255}$/.test(value),
);

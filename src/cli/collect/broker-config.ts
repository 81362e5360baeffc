import { optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aListOf,
  aPath,
  aString,
  oneOf,
  type ReportIssue,
  required,
  valueCheck,
} from "../../errors/value-checks.js";
import { parseDuration } from "../../go/time/duration.js";
import type { Io } from "../io/io.js";
import { aSecret, checkSecret, readSecret, type Secret } from "./secret.js";

/** How to reach NATS. */
export interface NatsConfig {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: Secret;
  readonly token?: Secret;
  readonly tls?: NatsTlsConfig;
}

export interface NatsTlsConfig {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** How to reach Kafka. */
export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly tls?: boolean;
  readonly sasl?: SaslConfig;
}

export interface SaslConfig {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: Secret;
}

export const NATS_FIELDS = {
  servers: required(aListOf(aString)),
  user: aString,
  password: aSecret,
  token: aSecret,
  tls: optionsOf<NatsTlsConfig>("tls", { caFile: aPath, certFile: aPath, keyFile: aPath }),
};

export const KAFKA_FIELDS = {
  brokers: required(aListOf(aString)),
  tls: aBoolean,
  sasl: optionsOf<SaslConfig>("sasl", {
    mechanism: required(oneOf("plain", "scram-sha-256", "scram-sha-512")),
    username: required(aString),
    password: required(aSecret),
  }),
};

/** A duration of Go, such as `30s`. */
export const aDuration = valueCheck<string>("a duration such as 30s", (value) => {
  if (typeof value !== "string") return false;
  const duration = parseDuration(value);
  return "value" in duration && duration.value >= 0n;
});

/** The milliseconds of a text that {@link aDuration} accepts. */
export function toMs(text: string): number {
  const duration = parseDuration(text);
  return "value" in duration ? Number(duration.value) / 1e6 : 0;
}

export function checkNatsSecrets(
  { password, token }: NatsConfig,
  path: string,
  { env }: Pick<Io, "env">,
  report: ReportIssue,
): void {
  checkSecret(password, `${path}.password`, env, report);
  checkSecret(token, `${path}.token`, env, report);
}

export function checkKafkaSecrets(
  { sasl }: KafkaConfig,
  path: string,
  { env }: Pick<Io, "env">,
  report: ReportIssue,
): void {
  checkSecret(sasl?.password, `${path}.sasl.password`, env, report);
}

/** The options of `flowscribe/nats`. */
export function natsOptions({ servers, user, password, token, tls }: NatsConfig, { env }: Pick<Io, "env">) {
  return {
    servers,
    ...(user !== undefined && { user }),
    ...(password && { pass: readSecret(password, "password", env, throwIssue) }),
    ...(token && { token: readSecret(token, "token", env, throwIssue) }),
    ...(tls && { tls }),
  };
}

/** The options of `flowscribe/kafka`. */
export function kafkaOptions({ brokers, tls, sasl }: KafkaConfig, { env }: Pick<Io, "env">) {
  return {
    brokers,
    ...(tls !== undefined && { ssl: tls }),
    ...(sasl && { sasl: { ...sasl, password: readSecret(sasl.password, "sasl.password", env, throwIssue) } }),
  };
}

/** For secrets that were there when the configuration was checked. */
export function throwIssue(path: string, message: string): never {
  throw new Error(`${path}: ${message}`);
}

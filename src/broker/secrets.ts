import { messageOf } from "../errors/message.js";

/** What replaces a secret in a text. */
const REDACTED = "[redacted]";

/** Removes the secrets of a connection from what is reported about it. */
export interface Redactor {
  text(text: string): string;
  /** The error itself if no secret is in it; otherwise one without its stack, its properties and the secrets. */
  error(error: unknown): unknown;
}

/**
 * Creates a redactor for errors of clients, which may quote what they were given.
 *
 * @param secrets Passwords, tokens and keys. Empty ones are ignored.
 */
export function createRedactor(secrets: readonly (string | undefined)[]): Redactor {
  // The longest first: a secret may be part of another one.
  const found = secrets
    .filter((secret) => secret !== undefined && secret !== "")
    .flatMap((secret) => [secret as string, encodeURIComponent(secret as string)])
    .sort((a, b) => b.length - a.length);
  const text = (original: string) =>
    found.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), original);
  return {
    text,
    error: (error) => {
      if (!(error instanceof Error)) return typeof error === "string" ? text(error) : error;
      const whole = [error, ...causesOf(error)].map((one) => `${one.message}\n${one.stack ?? ""}`).join("\n");
      if (text(whole) === whole) return error;
      const redacted = new Error(text(error.message));
      redacted.name = error.name;
      return redacted;
    },
  };
}

/** Maximum number of causes to follow, in case an error is its own cause. */
const MAX_CAUSES = 8;

/** The causes of an error, from the nearest to the first. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && causes.length < MAX_CAUSES) {
    causes.push(cause);
    cause = cause.cause;
  }
  return causes;
}

/** The message of an error with those of its causes that add something. */
export function wholeMessage(error: unknown): string {
  const messages = [error, ...causesOf(error)].map(messageOf);
  return messages
    .filter((message, index) => message !== "" && messages.indexOf(message) === index)
    .join(": ");
}

/** The address of a server without the user and the password that a URL may have. */
export function withoutUserInfo(address: string): string {
  return address.replace(/^([a-z+]+:\/\/)?[^@/]*@/i, "$1");
}

/** The user and the password that the URL of a server has, as they are written there and decoded. */
export function userInfoOf(address: string): string[] {
  const [, info] = /^(?:[a-z+]+:\/\/)?([^@/]*)@/i.exec(address) ?? [];
  if (info === undefined) return [];
  const parts = info.split(":");
  // A lone part is a token; a user is not secret.
  const secrets = parts.length === 1 ? parts : [info, parts.slice(1).join(":")];
  return secrets.flatMap((secret) => [secret, decoded(secret)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

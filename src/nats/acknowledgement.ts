import { messageOf } from "../errors/message.js";
import type { Answer } from "./request-run.js";
import { hasNoResponders, type NatsAnswer } from "./requests.js";

/** JetStream's error for a message above the `max_msg_size` of its stream. */
const MESSAGE_TOO_LARGE = 10054;

const utf8 = new TextDecoder();

/**
 * Reads the answer of JetStream to a published message.
 *
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-1.md for the JSON of answers
 */
export function readAcknowledgement(message: NatsAnswer): Answer {
  if (hasNoResponders(message))
    return {
      kind: "failed",
      reason: "no stream stores this subject: create one, and check that the server runs with JetStream",
    };
  let answer: unknown;
  try {
    answer = JSON.parse(utf8.decode(message.data));
  } catch (error) {
    return { kind: "failed", reason: `the answer is not one of JetStream: ${messageOf(error)}` };
  }
  const { stream, error } = (answer ?? {}) as { stream?: unknown; error?: unknown };
  if (typeof error === "object" && error !== null) {
    const { err_code, description } = error as { err_code?: unknown; description?: unknown };
    const reason = `${description ?? "unknown error"} (JetStream error ${err_code ?? "without a code"})`;
    return { kind: err_code === MESSAGE_TOO_LARGE ? "refused" : "failed", reason };
  }
  if (typeof stream === "string" && stream !== "") return { kind: "done" };
  return { kind: "failed", reason: "the answer is not one of JetStream: it names no stream" };
}

import { cutText } from "../../errors/cut-text.js";
import { FlowscribeError } from "../../errors/errors.js";
import { goQuote } from "../../go/strconv/quote.js";
import type { Outcome } from "./deliver.js";
import type { HttpAnswer, HttpClient } from "./http-client.js";

/** How much of a server's answer is in messages, in UTF-16 code units. */
const MAX_EXCERPT = 300;

const utf8 = new TextDecoder();

/** The first part of an answer, quoted and without secrets, for messages; empty if the answer is. */
export function excerptOf({ body }: HttpAnswer, client: HttpClient): string {
  const text = client.redact(utf8.decode(body)).trim();
  return text === "" ? "" : `: ${goQuote(cutText(text, MAX_EXCERPT))}`;
}

/** Statuses that a person has to do something about, and what. */
const ADVICE: Readonly<Record<number, string>> = {
  401: "check the credentials (`headers`)",
  403: "check the credentials (`headers`) and their rights",
  404: "check the path of the URL and the name of the table",
  405: "check the URL: it does not accept POST",
  407: "check the credentials for the proxy",
  415: "check `contentType` and `gzip`",
};

/**
 * What an answer says about the items of a request.
 *
 * @param refusedStatuses Statuses that refuse a request for the content of its items.
 * @throws FlowscribeError `sink_failed` if the request may be repeated.
 */
export function outcomeOf(
  answer: HttpAnswer,
  client: HttpClient,
  refusedStatuses: readonly number[],
): Outcome {
  const { status } = answer;
  const reason = `status ${status}${excerptOf(answer, client)}`;
  if (status >= 200 && status < 300) return { kind: "stored" };
  if (status === 413) return { kind: "too_large", reason };
  if (refusedStatuses.includes(status)) return { kind: "refused", reason };
  const isRedirect = status >= 300 && status < 400;
  const advice = isRedirect ? "redirects are not followed: use the final URL" : ADVICE[status];
  throw new FlowscribeError(
    "sink_failed",
    `POST ${client.name}: ${reason}${advice === undefined ? "" : `; ${advice}`}`,
  );
}

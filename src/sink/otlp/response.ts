import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { cutText } from "../../errors/cut-text.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import {
  type ExportLogsServiceResponse,
  ExportLogsServiceResponseSchema,
  ExportStatusSchema,
} from "../../gen/opentelemetry/logs_service_pb.js";
import { goQuote } from "../../go/strconv/quote.js";
import { outcomeOf } from "../http/answer-outcome.js";
import type { Outcome } from "../http/deliver.js";
import type { HttpAnswer, HttpClient } from "../http/http-client.js";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

/** How much of a server's message is in errors, in UTF-16 code units. */
const MAX_MESSAGE = 300;

const utf8 = new TextDecoder();

/** Statuses that refuse a request for its records; the specification forbids to repeat it. */
const REFUSED_STATUSES = [400, 422];

/**
 * What a response says about the records of a request.
 *
 * @param redact Removes secrets from the message of the server.
 */
export function outcomeOfResponse(
  { partialSuccess }: ExportLogsServiceResponse,
  records: number,
  redact: (text: string) => string = (text) => text,
): Outcome {
  const count = Number(partialSuccess?.rejectedLogRecords ?? 0n);
  if (partialSuccess === undefined || count <= 0) return { kind: "stored" };
  return {
    kind: "stored",
    refused: { count: Math.min(count, records), reason: quoteMessage(redact(partialSuccess.errorMessage)) },
  };
}

/**
 * What an answer over HTTP says about the records of a request.
 *
 * @throws FlowscribeError `sink_failed` if the request may be repeated.
 */
export function outcomeOfAnswer(answer: HttpAnswer, client: HttpClient, records: number): Outcome {
  const isSuccess = answer.status >= 200 && answer.status < 300;
  if (!isSuccess) return outcomeOf(withStatusText(answer), client, REFUSED_STATUSES);
  // An empty message: everything was accepted.
  if (answer.body.length === 0) return { kind: "stored" };
  try {
    return outcomeOfResponse(decodeResponse(answer), records, client.redact);
  } catch (error) {
    // Maybe a proxy has answered, and nothing is stored.
    const message = `POST ${client.name}: status ${answer.status}, but the answer is not that of an OTLP server: `;
    throw new FlowscribeError("sink_failed", message + client.redact(messageOf(error)));
  }
}

/** Quotes a message of a server. */
export function quoteMessage(message: string): string {
  return message === "" ? "the server gave no reason" : goQuote(cutText(message, MAX_MESSAGE));
}

function decodeResponse({ body, contentType, isComplete }: HttpAnswer): ExportLogsServiceResponse {
  if (!isComplete) throw new Error("it is too long");
  if (contentType === PROTOBUF) return fromBinary(ExportLogsServiceResponseSchema, body);
  if (contentType !== JSON_TYPE)
    throw new Error(`its Content-Type is ${goQuote(cutText(contentType, MAX_MESSAGE))}`);
  return fromJsonString(ExportLogsServiceResponseSchema, utf8.decode(body), { ignoreUnknownFields: true });
}

/** Replaces the encoded status of a failure by its message. */
function withStatusText(answer: HttpAnswer): HttpAnswer {
  if (answer.contentType !== PROTOBUF) return answer;
  try {
    const { message } = fromBinary(ExportStatusSchema, answer.body);
    return { ...answer, body: Buffer.from(message) };
  } catch {
    return answer;
  }
}

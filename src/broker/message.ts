import { describeValue } from "../errors/describe-value.js";
import { FlowscribeError } from "../errors/errors.js";
import { messageOf } from "../errors/message.js";
import { type EncodedEvent, encodedEvent } from "../observer/events/encoded-event.js";

/**
 * The version of the messages in brokers. A message of version 1 has an encoded `observer.ExportEvent` as its body (an
 * encoded `observer.GetFlowsResponse` is one), and the headers of {@link MESSAGE_HEADERS}.
 */
export const MESSAGE_VERSION = "1";

/** The names of the headers. They describe the body; a reader needs only the version. */
export const MESSAGE_HEADERS = {
  version: "flowscribe-version",
  kind: "flowscribe-kind",
  node: "flowscribe-node",
  uuid: "flowscribe-uuid",
} as const;

/** A longer value is not put into a header. The body has it. */
export const MAX_HEADER_VALUE_BYTES = 512;

/** Printable ASCII without a space at an end: what every client and server passes on unchanged. */
const HEADER_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/**
 * The value of a header; undefined if the text is empty, too long, or has characters that headers may not have. Names of
 * nodes and UUIDs come from the network: a line break in one must not add a header.
 */
export function headerValue(text: string): string | undefined {
  return text.length <= MAX_HEADER_VALUE_BYTES && HEADER_VALUE.test(text) ? text : undefined;
}

/** A received message: its event, or why it has none. */
export type ReceivedMessage =
  | { readonly event: EncodedEvent; readonly fault?: undefined }
  | { readonly event?: undefined; readonly fault: string };

/**
 * Reads a message of a broker.
 *
 * @param body It is kept by the event.
 * @param version The header `flowscribe-version`. A message without it was sent by another program, and is read as well.
 */
export function readMessage(body: Uint8Array, version: string | undefined): ReceivedMessage {
  if (version !== undefined && version !== "" && version !== MESSAGE_VERSION)
    return { fault: `the message has version ${describeValue(version)}; this package reads version 1` };
  try {
    const event = encodedEvent(plain(body));
    return event.kind === "none" && body.length === 0 ? { fault: "the message is empty" } : { event };
  } catch (error) {
    if (!(error instanceof FlowscribeError)) throw error;
    return { fault: messageOf(error) };
  }
}

/** The same bytes. `slice` of a Buffer, which clients return, does not copy, as users of a Uint8Array expect. */
function plain(bytes: Uint8Array): Uint8Array {
  return Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

import type { Message, Registry } from "@bufbuild/protobuf";
import { cutText } from "../../../errors/cut-text.js";
import { messageOf } from "../../../errors/message.js";
import { FlowSchema } from "../../../gen/flow/flow_pb.js";
import { envelopeSchema, isBareFlow } from "../envelope-schema.js";
import { readMessage } from "../read-message.js";
import { defaultRegistry } from "../registry.js";

/** The maximum length of an error text, which may quote the line. */
const MAX_MESSAGE_LENGTH = 400;

/** Must not reach a terminal. */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

// A byte order mark is not part of the line.
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Decodes an export line as a whole: a GetFlowsResponse, an ExportEvent or a bare Flow.
 *
 * @param registry The types of extensions.
 * @returns The message, or a description of the fault.
 */
export function readLine(line: Uint8Array, registry: Registry = defaultRegistry()): Message | string {
  let text: string;
  try {
    text = utf8.decode(line);
  } catch {
    return "not valid UTF-8";
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null || Array.isArray(json)) return "not a JSON object";
    const schema = envelopeSchema(json) ?? (isBareFlow(json) ? FlowSchema : undefined);
    if (schema === undefined) return "no event";
    return readMessage(schema, json, text, registry).message;
  } catch (error) {
    // The texts of syntax errors differ from engine to engine.
    if (error instanceof SyntaxError) return "not JSON";
    return cutText(messageOf(error).replace(CONTROLS, "\ufffd"), MAX_MESSAGE_LENGTH);
  }
}

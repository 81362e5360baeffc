import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { ReportIssue } from "../errors/value-checks.js";
import { typeOf } from "../message/descriptor.js";
import { readMessage } from "../message/read.js";

/**
 * Converts a message, an init object or parsed protobuf JSON to a message. Messages keep fields that are newer than this
 * version. Reports unknown fields and type mismatches; the server validates the values.
 *
 * @param path The path of the request, for issues.
 */
export function readRequest<Desc extends DescMessage>(
  schema: Desc,
  request: unknown,
  path: string,
  report: ReportIssue,
): MessageShape<Desc> {
  const fields = readMessage(typeOf(schema), request, path, { report });
  // The values have been read according to the descriptor, so they have the init shape.
  const message = create(schema, fields as MessageInitShape<Desc>);
  copyUnknownFields(request, message);
  return message;
}

/** Copies the unknown fields of messages, which are not read, to the messages with the same path. */
function copyUnknownFields(from: unknown, to: unknown): void {
  if (typeof from !== "object" || from === null || typeof to !== "object" || to === null) return;
  if ("$unknown" in from) Object.assign(to, { $unknown: from.$unknown });
  for (const [key, value] of Object.entries(to)) {
    if (key !== "$unknown") copyUnknownFields((from as Record<string, unknown>)[key], value);
  }
}

import type { Registry } from "@bufbuild/protobuf";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { aFunction } from "../../errors/value-checks.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../gen/observer/observer_pb.js";
import { aRegistry, defaultRegistry } from "../../message/json/registry.js";
import { toEnvelope } from "../flow-response.js";
import { jsonWriter } from "../json/write.js";

/** Options for encoding export lines. */
export interface EncodeExportOptions {
  /** The types of messages in the `extensions` of flows; Hubble's own and the well-known types by default. */
  readonly registry?: Registry;
  /**
   * Called for each extension that is written as base64 bytes, `{"@type":…,"@value":…}`, because its type is unknown,
   * its bytes do not decode as that type, or its content has no JSON form (a duration out of range, NaN in a
   * `google.protobuf.Value`). Called after the line has been formatted; not called if encoding the event throws.
   */
  readonly onUndecodableExtension?: ((typeUrl: string) => void) | undefined;
}

const ENCODE_OPTIONS: OptionTable<EncodeExportOptions> = {
  registry: aRegistry,
  onUndecodableExtension: aFunction,
};

/**
 * Formats an event, or a bare flow, as a line of Hubble's export files and of `hubble observe -o jsonpb`, byte for
 * byte, without the line feed: proto field names in declaration order, unset fields omitted, `<`, `>` and `&` escaped
 * as in Go. Unpaired surrogates, which UTF-8 cannot represent, are written as U+FFFD.
 *
 * JSON that `decodeExport` did not recognize (unknown fields and extensions of unknown types) is written unchanged at
 * the end of its object, provided that the message is the decoded one and not a copy. Unknown fields of messages that
 * were decoded from protobuf have no JSON form and are omitted.
 *
 * @throws ExportError `unencodable_event` for an event without a JSON form: a time outside the years 1 to 9999, an
 *   unknown case of a oneof, a cyclic or otherwise invalid message.
 * @throws OptionsError; TypeError if the argument is not an event.
 *
 * @example
 * for await (const event of decodeExport(input)) console.log(encodeExportLine(event));
 */
export function encodeExportLine(
  event: GetFlowsResponse | ExportEvent | Flow,
  options?: EncodeExportOptions,
): string {
  if (options !== undefined) checkOptions("encodeExportLine", options, ENCODE_OPTIONS);
  return encodeEnvelope(toEnvelope("encodeExportLine", event), options);
}

/** {@link encodeExportLine} without argument checks. */
export function encodeEnvelope(
  envelope: GetFlowsResponse | ExportEvent,
  { registry = defaultRegistry(), onUndecodableExtension }: EncodeExportOptions = {},
): string {
  const schema = envelope.$typeName === "observer.ExportEvent" ? ExportEventSchema : GetFlowsResponseSchema;
  const undecodable: string[] = [];
  const line = jsonWriter(schema)(envelope, { registry, undecodable, depth: 0 });
  for (const typeUrl of undecodable) onUndecodableExtension?.(typeUrl);
  return line;
}

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
import { toEnvelope } from "../flow-response.js";
import { aRegistry, defaultRegistry } from "../json/registry.js";
import { jsonWriter } from "../json/write.js";

/** How export lines are written. */
export interface EncodeExportOptions {
  /** The types that `extensions` of flows may hold; Hubble's own and the well-known ones by default. */
  readonly registry?: Registry;
  /**
   * Called for each extension that is written as bytes, `{"@type":…,"@value":…}` in base64, because its type is unknown,
   * its bytes are not of that type, or its content has no JSON form (a duration out of range, NaN in a
   * `google.protobuf.Value`). Called after the line has been formatted, and not for an event that has no JSON form.
   */
  readonly onUndecodableExtension?: ((typeUrl: string) => void) | undefined;
}

const ENCODE_OPTIONS: OptionTable<EncodeExportOptions> = {
  registry: aRegistry,
  onUndecodableExtension: aFunction,
};

/**
 * Formats an event, or a bare flow, as a line of Hubble's export files and of `hubble observe -o jsonpb`, byte for byte,
 * without the line feed: names as in the proto and in its order of declaration, unset values left out, `<`, `>` and `&`
 * escaped as Go does. Strings that UTF-8 cannot hold (half a surrogate pair) are written as U+FFFD.
 *
 * JSON that `decodeExport` did not understand, unknown fields and extensions of unknown types, follows unchanged at the end
 * of its object, as long as the message is the one that was read and not a copy. Unknown fields of messages that were
 * decoded from protobuf have no JSON form and are left out.
 *
 * @throws ExportError `unencodable_event` for an event that has no JSON form: a time outside of the years 1 to 9999, an
 *   unknown case of a oneof, a cyclic or otherwise invalid message.
 * @throws OptionsError; TypeError for an argument that is not an event.
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

/** {@link encodeExportLine} for options that have been checked. */
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

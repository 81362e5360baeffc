import type { Registry } from "@bufbuild/protobuf";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../gen/observer/observer_pb.js";
import { toEnvelope } from "./flow-response.js";
import { aRegistry, defaultRegistry } from "./json-registry.js";
import { jsonWriter } from "./json-write.js";

/** How export lines are written. */
export interface EncodeExportOptions {
  /** The types that `extensions` of flows may hold; Hubble's own and the well-known ones by default. */
  readonly registry?: Registry;
}

const ENCODE_OPTIONS: OptionTable<EncodeExportOptions> = { registry: aRegistry };

/**
 * An event, or a bare flow, as a line of Hubble's export files and of `hubble observe -o jsonpb`, byte for byte, without the line feed:
 * names as in the proto text and in its order, values that are not set left out, `<`, `>` and `&` escaped as Go does.
 * Text that UTF-8 cannot hold (half a surrogate pair) is written as U+FFFD. Fields that the message type does not know
 * have no JSON form and are left out.
 *
 * @throws ExportError `unencodable_event` for what has no JSON form: a time outside of the years 1 to 9999, an extension
 *   of a type that the registry does not know.
 * @throws OptionsError; TypeError for what is not an event.
 */
export function encodeExportLine(
  event: GetFlowsResponse | ExportEvent | Flow,
  options?: EncodeExportOptions,
): string {
  if (options !== undefined) checkOptions("encodeExportLine", options, ENCODE_OPTIONS);
  return encodeEnvelope(toEnvelope(event), options?.registry);
}

/** {@link encodeExportLine} for options that have been checked. */
export function encodeEnvelope(
  envelope: GetFlowsResponse | ExportEvent,
  registry: Registry = defaultRegistry(),
): string {
  const schema = envelope.$typeName === "observer.ExportEvent" ? ExportEventSchema : GetFlowsResponseSchema;
  return jsonWriter(schema)(envelope, { registry, depth: 0 });
}

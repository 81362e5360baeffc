import { createRegistry, type Registry } from "@bufbuild/protobuf";
import {
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { type ValueCheck, withMethods } from "../../errors/value-checks.js";
import { file_flow_flow } from "../../gen/flow/flow_pb.js";
import { file_observer_observer } from "../../gen/observer/observer_pb.js";
import { file_relay_relay } from "../../gen/relay/relay_pb.js";

/** The check for a registry option. */
export const aRegistry: ValueCheck<Registry> = withMethods<Registry>(
  "a registry of protobuf-es",
  "get",
  "getMessage",
);

let registry: Registry | undefined;

/** The default types of messages in a `google.protobuf.Any`: Hubble's messages and the well-known types. */
export function defaultRegistry(): Registry {
  registry ??= createRegistry(
    file_flow_flow,
    file_observer_observer,
    file_relay_relay,
    file_google_protobuf_any,
    file_google_protobuf_duration,
    file_google_protobuf_empty,
    file_google_protobuf_field_mask,
    file_google_protobuf_struct,
    file_google_protobuf_timestamp,
    file_google_protobuf_wrappers,
  );
  return registry;
}

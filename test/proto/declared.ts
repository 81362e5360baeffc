import { nestedTypes } from "@bufbuild/protobuf/reflect";
import {
  file_flow_flow,
  file_observer_observer,
  file_peer_peer,
  file_recorder_recorder,
  file_relay_relay,
} from "../../src/proto.js";

/** All declarations of the generated code, at any depth. */
export const files = [
  file_flow_flow,
  file_observer_observer,
  file_peer_peer,
  file_recorder_recorder,
  file_relay_relay,
];
export const types = files.flatMap((file) => [...nestedTypes(file)]);
export const messages = types.filter((type) => type.kind === "message");
export const enums = types.filter((type) => type.kind === "enum");
export const services = types.filter((type) => type.kind === "service");

/**
 * The messages, enums and services of the Hubble API, as generated from `proto/`: for a message `Flow` the type
 * `Flow`, the descriptor `FlowSchema` to create, encode and decode it with, and `FlowJson`, the type of its JSON
 * form with lowerCamelCase names; for an enum `Verdict` likewise `Verdict`, `VerdictSchema` and `VerdictJson`; for a
 * service its descriptor, `Observer`; for a file `file_flow_flow`. A nested type is named after its parents, as in
 * `FlowFilter_Experimental`.
 *
 * Names are those of the packages `flow`, `observer`, `peer`, `recorder` and `relay`, without the package. One
 * name occurs twice: `TLS` is `observer.TLS`, and `peer.TLS` is called `PeerTLS`.
 *
 * ```ts
 * import { create, toJsonString } from "@bufbuild/protobuf";
 * import { FlowSchema, Verdict } from "flowscribe/proto";
 *
 * const flow = create(FlowSchema, { verdict: Verdict.DROPPED });
 * toJsonString(FlowSchema, flow, { useProtoFieldName: true });
 * ```
 *
 * @module
 */

export * from "./gen/flow/flow_pb.js";
export * from "./gen/observer/observer_pb.js";
export {
  type ChangeNotification,
  type ChangeNotificationJson,
  ChangeNotificationSchema,
  ChangeNotificationType,
  type ChangeNotificationTypeJson,
  ChangeNotificationTypeSchema,
  file_peer_peer,
  type NotifyRequest,
  type NotifyRequestJson,
  NotifyRequestSchema,
  Peer,
  type TLS as PeerTLS,
  type TLSJson as PeerTLSJson,
  TLSSchema as PeerTLSSchema,
} from "./gen/peer/peer_pb.js";
export * from "./gen/recorder/recorder_pb.js";
export * from "./gen/relay/relay_pb.js";
export { decodeFlow } from "./message/decode-flow.js";
export { decodeGetFlowsResponse } from "./message/decode-response.js";

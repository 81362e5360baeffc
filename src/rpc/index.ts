export { decodeGetFlowsResponse } from "../message/decode-response.js";
export { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "../recorder/service/error.js";
export type { RpcPeer } from "../recorder/service/parts.js";
export {
  getAgentEvents,
  getDebugEvents,
  getNamespaces,
  getNodes,
  notifyPeers,
  type RpcCallOptions,
  serverStatus,
} from "./calls.js";
export { fromConnectError, toConnectError } from "./connect-error.js";
export { peerKey, recorderRoutes } from "./connect-service.js";
export { folderBytes } from "./folder-bytes.js";
export { type GrpcJsMetadata, type GrpcJsRecordCall, type GrpcJsService, grpcJsRecorder } from "./grpc-js.js";
export { createHealthService, Health, type HealthService, type HealthServiceOptions } from "./health.js";
export { formatMetrics, METRICS_CONTENT_TYPE } from "./metrics.js";
export {
  type FlowStream,
  type FlowStreamStats,
  type GetFlowsRequestInit,
  type ObserveOptions,
  observe,
  type ReconnectOptions,
} from "./observe.js";
export { peerOfRequest } from "./peer.js";
export {
  type RecordRemoteOptions,
  type RemoteRecording,
  type RemoteRecordingResult,
  type RemoteStats,
  recordRemote,
} from "./record-remote.js";
export { reflectionRoutes, ServerReflection } from "./reflection.js";
export {
  type CloseOptions,
  openRecorderServer,
  type RecorderServer,
  type RecorderServerOptions,
} from "./server.js";
export { parseTarget, type Target } from "./target.js";
export {
  type ClientTls,
  type ClientTlsFiles,
  type Pem,
  readClientTls,
  readServerTls,
  type ServerTls,
  type ServerTlsFiles,
} from "./tls.js";
export { openTransport, type RpcTransport, type TransportOptions } from "./transport.js";

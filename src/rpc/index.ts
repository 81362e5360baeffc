export { decodeGetFlowsResponse } from "../message/decode-response.js";
export type { RpcPeer } from "../recorder/service/context.js";
export { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "../recorder/service/error.js";
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
export { folderBytes } from "./folder-bytes.js";
export {
  type EncodedObserveOptions,
  type FlowStream,
  type FlowStreamStats,
  type GetFlowsRequestInit,
  type GetFlowsRequestInput,
  type ObserveOptions,
  observe,
  type ReconnectOptions,
} from "./observe.js";
export {
  type ObserverSource,
  type ObserverSourceOptions,
  type ObserverSourceStats,
  observerSource,
} from "./observer-source.js";
export { peerOfRequest } from "./peer.js";
export {
  type RecordRemoteOptions,
  type RemoteRecording,
  type RemoteRecordingResult,
  type RemoteStats,
  recordRemote,
} from "./record-remote.js";
export { peerKey, recorderRoutes } from "./server/connect-service.js";
export {
  type GrpcJsMetadata,
  type GrpcJsRecordCall,
  type GrpcJsService,
  grpcJsRecorder,
} from "./server/grpc-js.js";
export {
  createHealthService,
  Health,
  type HealthService,
  type HealthServiceOptions,
} from "./server/health.js";
export { formatMetrics, METRICS_CONTENT_TYPE } from "./server/metrics.js";
export { reflectionRoutes, ServerReflection } from "./server/reflection.js";
export {
  type CloseOptions,
  openRecorderServer,
  type RecorderServer,
  type RecorderServerOptions,
} from "./server/server.js";
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

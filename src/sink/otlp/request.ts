import { create, toBinary } from "@bufbuild/protobuf";
import {
  type ExportLogsServiceRequest,
  ExportLogsServiceRequestSchema,
  type LogRecord,
  LogRecordSchema,
  ResourceLogsSchema,
  type ScopeLogs,
} from "../../gen/opentelemetry/logs_service_pb.js";
import type { Item } from "../http/deliver.js";
import type { OtlpValue } from "./attributes.js";
import { toKeyValues } from "./record.js";

/** A log record, with the node that has seen the event. */
export interface NodeRecord {
  readonly node: string;
  readonly record: LogRecord;
}

/** Tag and length of a record in a request, at most. */
const FRAME_BYTES = 6;

/** The bytes that a record takes in a request, apart from its resource. */
export function sizeOf({ record }: NodeRecord): number {
  return toBinary(LogRecordSchema, record).length + FRAME_BYTES;
}

/** Returns the request for some records, with a resource for each node. The records of a node keep their order. */
export function requestOf(
  items: readonly Item<NodeRecord>[],
  resource: Readonly<Record<string, OtlpValue>>,
): ExportLogsServiceRequest {
  const request = create(ExportLogsServiceRequestSchema);
  const scopes = new Map<string, ScopeLogs>();
  for (const { payload } of items) {
    let scope = scopes.get(payload.node);
    if (scope === undefined) {
      const attributes = toKeyValues({ ...nodeAttributes(payload.node), ...resource });
      const logs = create(ResourceLogsSchema, {
        resource: { attributes },
        scopeLogs: [{ scope: { name: "flowscribe" } }],
      });
      request.resourceLogs.push(logs);
      scope = logs.scopeLogs[0]!;
      scopes.set(payload.node, scope);
    }
    scope.logRecords.push(payload.record);
  }
  return request;
}

/** The node of an event is named `cluster/node`, or just `node`. */
function nodeAttributes(name: string): Readonly<Record<string, OtlpValue>> {
  if (name === "") return {};
  const slash = name.indexOf("/");
  const node = { "k8s.node.name": name.slice(slash + 1) };
  return slash > 0 ? { ...node, "k8s.cluster.name": name.slice(0, slash) } : node;
}

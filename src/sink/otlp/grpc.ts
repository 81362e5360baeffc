import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { FlowscribeError } from "../../errors/errors.js";
import { type ExportLogsServiceRequest, LogsService } from "../../gen/opentelemetry/logs_service_pb.js";
import type { Outcome } from "../http/deliver.js";
import { outcomeOfResponse, quoteMessage } from "./response.js";

/** Sends a request for `records` records. Rejects if it may be repeated. */
export type SendLogs = (
  request: ExportLogsServiceRequest,
  records: number,
  signal: AbortSignal | undefined,
) => Promise<Outcome>;

/** Messages of gRPC servers about the size of a request, whose status is RESOURCE_EXHAUSTED. */
const TOO_LARGE = /larger than (?:max|allowed)|too large/i;

/**
 * Creates the function that sends requests over gRPC.
 *
 * @param transport Of `openTransport`, or of Connect.
 * @param timeoutMs How long a call may take.
 */
export function createGrpcSend(transport: Transport, timeoutMs: number): SendLogs {
  const client = createClient(LogsService, transport);
  return async (request, records, signal) => {
    try {
      const response = await client.export(request, { timeoutMs, ...(signal && { signal }) });
      return outcomeOfResponse(response, records);
    } catch (error) {
      signal?.throwIfAborted();
      return outcomeOfError(ConnectError.from(error));
    }
  };
}

/** @throws FlowscribeError `sink_failed` if the request may be repeated. */
function outcomeOfError({ code, rawMessage }: ConnectError): Outcome {
  const reason = `gRPC status ${Code[code]}: ${quoteMessage(rawMessage)}`;
  if (code === Code.InvalidArgument) return { kind: "refused", reason };
  if (code === Code.ResourceExhausted && TOO_LARGE.test(rawMessage)) return { kind: "too_large", reason };
  // Without the cause: it has the headers of the answer.
  throw new FlowscribeError(
    "sink_failed",
    `opentelemetry.proto.collector.logs.v1.LogsService/Export: ${reason}`,
  );
}

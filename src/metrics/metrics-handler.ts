import type { IncomingMessage, ServerResponse } from "node:http";
import { checkArgument } from "../errors/check-argument.js";
import { messageOf } from "../errors/message.js";
import { type ValueCheck, withMethods } from "../errors/value-checks.js";
import type { FlowMetrics } from "./flow-metrics.js";

/** What the handler needs of metrics. */
export type ServedMetrics = Pick<FlowMetrics, "metricsText" | "contentType">;

const someMetrics: ValueCheck<ServedMetrics> = withMethods<ServedMetrics>(
  "metrics, as createFlowMetrics returns them",
  "metricsText",
);

/**
 * Creates a request listener for Node's HTTP servers that answers `GET /metrics`, and `HEAD`, for Prometheus. Other paths get
 * 404, other methods 405; 500 has the message of an error.
 *
 * @example
 * http.createServer(metricsHandler(metrics)).listen(9965);
 */
export function metricsHandler(
  metrics: ServedMetrics,
): (request: IncomingMessage, response: ServerResponse) => void {
  checkArgument("metricsHandler", "metrics", metrics, someMetrics);
  return (request, response) => {
    // Prometheus may add parameters.
    if (request.url?.split("?", 1)[0] !== "/metrics") {
      answer(response, 404, "text/plain; charset=utf-8", "not found; the metrics are at /metrics\n", request);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      answer(response, 405, "text/plain; charset=utf-8", "only GET and HEAD are allowed\n", request);
    } else {
      metrics.metricsText().then(
        (text) => answer(response, 200, metrics.contentType, text, request),
        (error: unknown) => {
          answer(response, 500, "text/plain; charset=utf-8", `${messageOf(error)}\n`, request);
        },
      );
    }
  };
}

function answer(
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
  { method }: IncomingMessage,
): void {
  const body = Buffer.from(text);
  response.writeHead(status, { "content-type": contentType, "content-length": body.length });
  response.end(method === "HEAD" ? undefined : body);
}

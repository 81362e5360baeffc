import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RecorderService } from "../../recorder/service.js";
import { formatMetrics, METRICS_CONTENT_TYPE } from "../../rpc/index.js";

/** Bytes of headers that somebody who asks may send, and connections at once: who scrapes needs little of either. */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

export interface MetricsServer extends AsyncDisposable {
  /** `http://host:port/metrics`, with the port that it is. */
  readonly url: string;
}

/**
 * Serves the counters of a recorder in the text format of Prometheus, over plain HTTP.
 *
 * @throws The system's error when the address cannot be listened on.
 */
export async function openMetricsServer(
  { host, port }: { readonly host: string; readonly port: number },
  service: RecorderService,
): Promise<MetricsServer> {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS },
    ({ method, url = "" }, response) => {
      const [path] = url.split("?", 1);
      if (path !== "/metrics") response.writeHead(404).end();
      else if (method !== "GET" && method !== "HEAD") response.writeHead(405, { allow: "GET, HEAD" }).end();
      else {
        response
          .writeHead(200, { "content-type": METRICS_CONTENT_TYPE })
          .end(formatMetrics(service.counters));
      }
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // A server of TCP has one.
  const { address, family, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}/metrics`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

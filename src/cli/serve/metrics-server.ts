import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RecorderService } from "../../recorder/service.js";
import { formatMetrics, METRICS_CONTENT_TYPE } from "../../rpc/index.js";

/** Maximum header bytes of a request and maximum concurrent connections. Scrapers need little of either. */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

export interface MetricsServer extends AsyncDisposable {
  /** `http://host:port/metrics`, with the actual port. */
  readonly url: string;
}

/**
 * Serves the counters of a recorder in the Prometheus text format, over plain HTTP.
 *
 * @throws The system's error if it cannot listen on the address.
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
  // The cast is true for a TCP server.
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

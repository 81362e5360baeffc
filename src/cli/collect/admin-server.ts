import type { Clock } from "../../async/clock.js";
import { type Collection, formatCollectMetrics } from "../../collect/index.js";
import { METRICS_CONTENT_TYPE } from "../../rpc/index.js";
import { type HttpAddress, type HttpServer, openHttpServer } from "../io/http-server.js";

/** Serves the counts of a collector at /metrics, and at /healthz whether it delivers. */
export function openAdminServer(
  address: HttpAddress,
  collection: Collection,
  clock: Pick<Clock, "now">,
  others: readonly (() => Promise<string>)[],
): Promise<HttpServer> {
  return openHttpServer(address, {
    "/metrics": async () => {
      const texts = await Promise.all(others.map((text) => text()));
      return {
        contentType: METRICS_CONTENT_TYPE,
        body: [formatCollectMetrics(collection.stats, clock.now()), ...texts].join(""),
      };
    },
    "/healthz": () => {
      const failing = Object.entries(collection.stats.outputs).filter(([, { isRetrying }]) => isRetrying);
      const body = failing.length === 0 ? "ok\n" : failing.map(([name]) => `${name}: writes fail\n`).join("");
      return { status: failing.length === 0 ? 200 : 503, contentType: "text/plain; charset=utf-8", body };
    },
  });
}

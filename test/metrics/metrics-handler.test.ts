import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createFlowMetrics, metricsHandler, type ServedMetrics } from "../../src/metrics/index.js";
import { flow } from "../../src/testing/index.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(metrics: ServedMetrics): Promise<string> {
  const listening = createServer(metricsHandler(metrics));
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

describe("metricsHandler", () => {
  const metrics = createFlowMetrics({ metrics: "dns:query" });
  metrics.observe(flow({ from: "a/b", to: "c/d", dns: { query: "café.example." } }));

  test.each(["/metrics", "/metrics?format=text"])("GET %s", async (path) => {
    const response = await fetch(`${await serve(metrics)}${path}`);
    const text = await metrics.metricsText();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(Number(response.headers.get("content-length"))).toBe(Buffer.byteLength(text));
    expect(await response.text()).toBe(text);
  });

  test("HEAD has the headers of GET and no body", async () => {
    const response = await fetch(`${await serve(metrics)}/metrics`, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(100);
    expect(await response.text()).toBe("");
  });

  test.each([
    ["GET", "/", 404],
    ["GET", "/metrics/", 404],
    ["POST", "/other", 404],
    ["POST", "/metrics", 405],
    ["DELETE", "/metrics", 405],
  ])("%s %s is answered with %i", async (method, path, status) => {
    const response = await fetch(`${await serve(metrics)}${path}`, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get("allow")).toBe(status === 405 ? "GET, HEAD" : null);
    expect(await response.text()).toMatch(/\n$/);
  });

  test("a registry that fails is answered with 500", async () => {
    const failing = { metricsText: () => Promise.reject(new Error("broken")), contentType: "text/plain" };
    const response = await fetch(`${await serve(failing)}/metrics`);
    expect([response.status, await response.text()]).toEqual([500, "broken\n"]);
  });

  test("OpenMetrics has its content type", async () => {
    const open = createFlowMetrics({ metrics: "drop", openMetrics: true });
    const response = await fetch(`${await serve(open)}/metrics`);
    expect(response.headers.get("content-type")).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
  });
});

// Requests to http-server.mjs for the sample capture.
// Usage: node http-client.mjs <address> <port> <host name> [brief]
import assert from "node:assert";
import { Agent, request } from "node:http";

const [address, port, host, brief] = process.argv.slice(2);

function send(agent, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { Host: host, "User-Agent": "sample-client/1.0", Accept: "*/*" };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      headers["Content-Length"] = Buffer.byteLength(body);
    }
    const outgoing = request({ host: address, port, method, path, headers, agent, timeout: 5000 });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode));
      response.resume();
    });
    outgoing.end(body);
  });
}

const order = JSON.stringify({ item: "coffee", quantity: 1, note: "no sugar" });
const upload = JSON.stringify({ rows: Array.from({ length: 300 }, (_, i) => ({ row: i, value: i * i })) });

// One connection for each of these.
assert.equal(await send(false, "GET", "/"), 200);
assert.equal(await send(false, "GET", "/old"), 301);
assert.equal(await send(false, "POST", "/api/orders", order), 201);

if (!brief) {
  // One connection for all of these, kept alive between the requests.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal(await send(agent, "GET", "/healthz"), 200);
  assert.equal(await send(agent, "GET", "/missing"), 404);
  assert.equal(await send(agent, "GET", "/broken"), 500);
  assert.equal(await send(agent, "POST", "/api/orders", order), 201);
  assert.equal(await send(agent, "GET", "/api/orders"), 200);
  assert.equal(await send(agent, "POST", "/api/upload", upload), 200);
  assert.equal(await send(agent, "GET", "/large"), 200);
  agent.destroy();
}

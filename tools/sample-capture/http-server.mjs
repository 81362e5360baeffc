// A small web server for the sample capture.
// Usage: node http-server.mjs <port> <address> [<address> ...]
import { createServer } from "node:http";

const [port, ...addresses] = process.argv.slice(2);

const page = "<!doctype html>\n<title>sample</title>\n<p>A page for a sample capture.</p>\n";
const large = Array.from(
  { length: 400 },
  (_, i) => `line ${String(i).padStart(4, "0")}: ${"abcdefgh ".repeat(4)}\n`,
).join("");
const orders = [{ id: 1, item: "tea", quantity: 2 }];

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function send(response, status, type, body, headers = {}) {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...headers });
  response.end(body);
}

const sendJson = (response, status, value, headers) =>
  send(response, status, "application/json", JSON.stringify(value), headers);

async function handle(request, response) {
  const body = await readBody(request);
  switch (`${request.method} ${request.url}`) {
    case "GET /":
      return send(response, 200, "text/html; charset=utf-8", page);
    case "GET /old":
      return send(response, 301, "text/plain", "moved\n", { Location: "/" });
    case "GET /large":
      return send(response, 200, "text/plain", large);
    case "GET /healthz":
      return sendJson(response, 200, { status: "ok" });
    case "GET /broken":
      return sendJson(response, 500, { error: "this path always fails" });
    case "GET /api/orders":
      return sendJson(response, 200, orders);
    case "POST /api/orders": {
      const order = { id: orders.length + 1, ...JSON.parse(body.toString()) };
      orders.push(order);
      return sendJson(response, 201, order, { Location: `/api/orders/${order.id}` });
    }
    case "POST /api/upload":
      return sendJson(response, 200, { received: body.length });
    default:
      return sendJson(response, 404, { error: "not found", path: request.url });
  }
}

for (const address of addresses) {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.destroy(error));
  });
  server.listen(Number(port), address, () => console.log(`ready ${address} ${port}`));
}

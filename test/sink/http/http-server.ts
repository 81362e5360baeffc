import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach } from "vitest";
import { type EncodedEvent, encodeEvent } from "../../../src/observer/index.js";
import { flow } from "../../../src/testing/index.js";

/** A request that a server has received. */
export interface Received {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  /** Without compression. */
  readonly body: Buffer;
}

export type Handler = (received: Received, response: ServerResponse, call: number) => void;

export interface TestServer {
  readonly url: string;
  readonly received: readonly Received[];
  readonly connections: number;
  /** Resolves when a further request has been received. */
  next(): Promise<void>;
  close(): Promise<void>;
}

const open: TestServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

/** A server on the loopback interface that is closed after the test. */
export async function serve(handle: Handler): Promise<TestServer> {
  const received: Received[] = [];
  let connections = 0;
  let wake = () => {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    // A request that is given up is of no interest.
    request.on("error", () => {});
    response.on("error", () => {});
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
      const one = { url: request.url ?? "", headers: request.headers, body };
      received.push(one);
      handle(one, response, received.length);
      wake();
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const result: TestServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    get connections() {
      return connections;
    },
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  open.push(result);
  return result;
}

/** Answers with a status. */
export function answer(response: ServerResponse, status: number, body = "", headers = {}): void {
  response.writeHead(status, headers);
  response.end(body);
}

export function eventOf(uuid: string, init: Parameters<typeof flow>[0] = {}): EncodedEvent {
  return encodeEvent(flow({ uuid, ...init }));
}

export function eventsOf(...uuids: string[]): EncodedEvent[] {
  return uuids.map((uuid) => eventOf(uuid));
}

/** The UUIDs of the flows in a body of JSON lines. */
export function uuidsOf({ body }: Received): string[] {
  const lines = body.toString().split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { flow: { uuid: string } }).flow.uuid);
}

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseTarget } from "../../rpc/target.js";
import { UsageError } from "../error-text.js";

/** Maximum header bytes of a request and maximum concurrent connections. Scrapers need little of either. */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

/** What is answered at a path. */
export interface Page {
  /** 200 by default. */
  readonly status?: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpServer extends AsyncDisposable {
  /** `http://host:port`, with the actual port. */
  readonly url: string;
}

/** The host and port to listen on. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads an address such as `localhost:9965`.
 *
 * @param name The option, for messages.
 * @throws UsageError
 */
export function readHttpAddress(name: string, text: string): HttpAddress {
  const address = httpAddressOf(text);
  if (address === undefined) throw new UsageError(`invalid ${name}: ${text}, expected host:port`);
  return address;
}

/** Undefined if the text is not an address with a port. */
export function httpAddressOf(text: string): HttpAddress | undefined {
  try {
    const target = parseTarget(text);
    return target.kind === "unix" || target.tls || !text.endsWith(`:${target.port}`) ? undefined : target;
  } catch {
    return undefined;
  }
}

/**
 * Serves pages over plain HTTP, to GET and HEAD.
 *
 * @param pages By path. Each is created for each request.
 * @throws The system's error if it cannot listen on the address.
 */
export async function openHttpServer(
  { host, port }: HttpAddress,
  pages: Readonly<Record<string, () => Page | Promise<Page>>>,
): Promise<HttpServer> {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS },
    async ({ method, url = "" }, response) => {
      const [path = ""] = url.split("?", 1);
      const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
      if (page === undefined) response.writeHead(404).end();
      else if (method !== "GET" && method !== "HEAD") response.writeHead(405, { allow: "GET, HEAD" }).end();
      else {
        const { status = 200, contentType, body } = await page();
        response.writeHead(status, { "content-type": contentType }).end(body);
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
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

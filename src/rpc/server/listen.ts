import { chmodSync, existsSync, lstatSync, unlinkSync } from "node:fs";
import type { Http2SecureServer, Http2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { dirname } from "node:path";
import { FlowscribeError } from "../../errors/errors.js";
import { codeOf } from "../../errors/message.js";
import type { Target } from "../target.js";

/**
 * Makes a server listen on an address. A socket file left behind by a dead server is replaced.
 *
 * @param socketMode Permissions of the socket file.
 * @throws The system error if the server cannot listen on the address.
 */
export async function listen(
  server: Http2Server | Http2SecureServer,
  target: Target,
  socketMode: number,
): Promise<void> {
  if (target.kind === "tcp") {
    await listenOn(server, { host: target.host, port: target.port });
    return;
  }
  // Node reports a missing directory as EACCES.
  const directory = dirname(target.path);
  if (!existsSync(directory))
    throw new FlowscribeError("open_failed", `${target.path}: no such directory: ${directory}`);
  await removeDeadSocket(target.path);
  await listenOn(server, { path: target.path });
  try {
    chmodSync(target.path, socketMode);
  } catch (error) {
    // Nobody but the owner may connect, not even for a moment longer.
    server.close();
    throw error;
  }
}

/** The address of a listening server, for clients. */
export function addressOf(server: Http2Server | Http2SecureServer, tls: boolean): string {
  // True because the server is listening.
  const address = server.address() as AddressInfo | string;
  if (typeof address === "string") return address.startsWith("/") ? `unix://${address}` : `unix:${address}`;
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `${tls ? "tls://" : ""}${host}:${address.port}`;
}

function listenOn(
  server: Http2Server | Http2SecureServer,
  where: { path: string } | { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Removes a socket file that refuses connections: a dead server left it behind. Keeps all other files. */
async function removeDeadSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const code = await new Promise<unknown>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error) => resolve(codeOf(error)));
  });
  if (code === "ECONNREFUSED") unlinkSync(path);
}

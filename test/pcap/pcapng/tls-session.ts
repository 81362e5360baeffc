import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import tls from "node:tls";
import { createBatch, type PacketBatch, type PacketInit } from "../../../src/packet/batch.js";
import type { Certificate } from "../../rpc/certificates.js";

/** A TLS session as packets, and what a client writes to its key log. */
export interface TlsSession {
  readonly batch: PacketBatch;
  readonly keyLog: string;
}

const CLIENT = [10, 11, 0, 1] as const;
const SERVER = [10, 11, 0, 2] as const;
const SERVER_PORT = 443;
const CLIENT_PORT = 40_000;
const RAW_IP = 101;
const SYN = 2;
const ACK = 16;
const MAX_SEGMENT = 1400;
const SECONDS = 1_700_000_000;

/**
 * Runs an HTTP request in TLS 1.3 over a loopback connection, and writes the bytes of both directions as TCP segments.
 *
 * @param path The path of the request, to be found after decryption.
 */
export async function tlsSession({ cert, key }: Certificate, path: string): Promise<TlsSession> {
  const segments: { readonly fromClient: boolean; readonly bytes: Buffer }[] = [];
  const keyLog: string[] = [];
  const server = tls.createServer({ cert, key }, (socket) => {
    socket.once("data", () =>
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    );
  });
  const target = await listening(server);
  // Between the two, since both ends of a TLS socket hide the encrypted bytes.
  const proxy = createServer((downstream) => {
    const upstream = connect(target, "127.0.0.1");
    relay(downstream, upstream, (bytes) => segments.push({ fromClient: true, bytes }));
    relay(upstream, downstream, (bytes) => segments.push({ fromClient: false, bytes }));
  });
  const client = tls.connect({ port: await listening(proxy), host: "127.0.0.1", rejectUnauthorized: false });
  client.on("keylog", (line) => keyLog.push(line.toString("latin1")));
  client.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`);
  client.resume();
  await once(client, "close");
  server.close();
  proxy.close();
  return { batch: batchOf(segments), keyLog: keyLog.join("") };
}

async function listening(server: {
  listen(port: number, host: string): unknown;
  address(): unknown;
}): Promise<number> {
  const listener = server.listen(0, "127.0.0.1") as NodeJS.EventEmitter;
  await once(listener, "listening");
  // True for a TCP server.
  return (server.address() as { port: number }).port;
}

function relay(from: Socket, to: Socket, seen: (bytes: Buffer) => void): void {
  from.on("data", (bytes: Buffer) => {
    seen(bytes);
    to.write(bytes);
  });
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}

function batchOf(segments: readonly { readonly fromClient: boolean; readonly bytes: Buffer }[]): PacketBatch {
  const next = { client: 1000, server: 5000 };
  const packets: PacketInit[] = [];
  const send = (fromClient: boolean, flags: number, bytes: Uint8Array) => {
    const [own, other] = fromClient ? (["client", "server"] as const) : (["server", "client"] as const);
    packets.push({
      bytes: segment(fromClient, flags, next[own], next[other], bytes),
      seconds: SECONDS + packets.length,
    });
    next[own] += bytes.length + (flags & SYN ? 1 : 0);
  };
  const none = new Uint8Array(0);
  send(true, SYN, none);
  send(false, SYN | ACK, none);
  send(true, ACK, none);
  for (const { fromClient, bytes } of segments) {
    for (let at = 0; at < bytes.length; at += MAX_SEGMENT) {
      send(fromClient, ACK, bytes.subarray(at, at + MAX_SEGMENT));
    }
  }
  return createBatch({ linkType: RAW_IP, resolution: "us", snapLength: 0, interfaceId: 0 }, packets);
}

function segment(
  fromClient: boolean,
  flags: number,
  sequence: number,
  acknowledged: number,
  bytes: Uint8Array,
) {
  const packet = Buffer.alloc(40 + bytes.length);
  packet.set([0x45, 0]);
  packet.writeUInt16BE(packet.length, 2);
  packet.set([64, 6], 8);
  packet.set(fromClient ? [...CLIENT, ...SERVER] : [...SERVER, ...CLIENT], 12);
  packet.writeUInt16BE(fromClient ? CLIENT_PORT : SERVER_PORT, 20);
  packet.writeUInt16BE(fromClient ? SERVER_PORT : CLIENT_PORT, 22);
  packet.writeUInt32BE(sequence, 24);
  packet.writeUInt32BE(flags & ACK ? acknowledged : 0, 28);
  packet.set([0x50, flags, 0xff, 0xff], 32);
  packet.set(bytes, 40);
  return new Uint8Array(packet);
}

import { settings } from "./frames.js";
import { LOST, type PeerKind } from "./peer.js";

/** Bytes that look random, the same in every run. */
export function seededBytes(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < length; index++) {
    // xorshift32
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

const HTTP1_BAD_REQUEST = Buffer.from(
  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
);
const HTTP1_OK = Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nOK");

/** Servers of other protocols, and connections that close at once. */
export const STRANGERS: readonly PeerKind[] = [
  {
    name: "HTTP/1.1 400, closed",
    at: "accept",
    send: () => HTTP1_BAD_REQUEST,
    next: "end",
    says: /not a gRPC server.*HTTP\/1\.1/,
    expected: LOST,
  },
  {
    name: "HTTP/1.1 400 after the preface",
    at: "preface",
    send: () => HTTP1_BAD_REQUEST,
    next: "end",
    says: /not a gRPC server.*HTTP\/1\.1/,
    expected: LOST,
  },
  {
    name: "HTTP/1.1 200, kept open",
    at: "preface",
    send: () => HTTP1_OK,
    next: "silence",
    says: /not a gRPC server.*HTTP\/1\.1/,
    expected: LOST,
  },
  {
    name: "an SSH banner",
    at: "accept",
    send: () => Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
    next: "silence",
    says: /not a gRPC server.*SSH-2\.0/,
    expected: LOST,
  },
  {
    name: "an SMTP banner",
    at: "accept",
    send: () => Buffer.from("220 mail.example.com ESMTP\r\n"),
    next: "silence",
    says: /not a gRPC server.*220 mail/,
    expected: LOST,
  },
  ...[1, 2, 3, 4].map(
    (seed): PeerKind => ({
      name: `random bytes, seed ${seed}`,
      at: "accept",
      send: () => seededBytes(seed, 1000),
      next: "end",
      expected: LOST,
    }),
  ),
  { name: "zeros", at: "accept", send: () => Buffer.alloc(1000), next: "end", expected: LOST },
  { name: "zeros, kept open", at: "accept", send: () => Buffer.alloc(1000), next: "silence", expected: LOST },
  { name: "closed at once", at: "accept", next: "end", expected: LOST },
  { name: "reset at once", at: "accept", next: "reset", expected: LOST },
  { name: "closed after the preface", at: "preface", next: "end", expected: LOST },
  { name: "reset after the preface", at: "preface", next: "reset", expected: LOST },
  { name: "closed after SETTINGS", at: "settings", next: "end", expected: LOST },
  { name: "reset after SETTINGS", at: "settings", next: "reset", expected: LOST },
];

/** Servers with TLS for clients without it, and vice versa. */
export const TLS_STRANGERS: readonly PeerKind[] = [
  {
    name: "TLS, to a client without TLS",
    at: "accept",
    listens: "tls",
    next: "silence",
    says: /TLS/,
    expected: LOST,
  },
  {
    name: "plain TCP without data until it is closed, to a client with TLS",
    at: "accept",
    dialed: "tls",
    next: "end",
    says: /TLS/,
    expected: LOST,
  },
  {
    name: "plain HTTP/1.1, to a client with TLS",
    at: "accept",
    send: () => HTTP1_BAD_REQUEST,
    dialed: "tls",
    next: "end",
    says: /TLS/,
    expected: LOST,
  },
  {
    name: "plain HTTP/2, to a client with TLS",
    at: "accept",
    send: () => settings(),
    dialed: "tls",
    next: "silence",
    says: /TLS/,
    expected: LOST,
  },
  {
    name: "reset in the TLS handshake",
    at: "accept",
    dialed: "tls",
    next: "reset",
    says: /TLS/,
    expected: LOST,
  },
  {
    name: "TLS that agrees on HTTP/1.1 only",
    at: "accept",
    listens: "tls http/1.1",
    dialed: "tls",
    next: "silence",
    says: /HTTP\/2/,
    expected: LOST,
  },
  {
    name: "TLS that agrees on no protocol, and speaks HTTP/1.1",
    at: "preface",
    send: () => HTTP1_BAD_REQUEST,
    listens: "tls without alpn",
    dialed: "tls",
    next: "end",
    says: /HTTP/,
    expected: LOST,
  },
  {
    name: "closed in a call with TLS",
    at: "message",
    listens: "tls",
    dialed: "tls",
    next: "end",
    expected: LOST,
  },
  {
    name: "reset in a call with TLS",
    at: "message",
    listens: "tls",
    dialed: "tls",
    next: "reset",
    expected: LOST,
  },
  {
    name: "64 bytes of 0xff in a call with TLS",
    at: "message",
    send: () => Buffer.alloc(64, 0xff),
    listens: "tls",
    dialed: "tls",
    next: "silence",
    expected: LOST,
  },
];

/** Servers that stop responding: a deadline or a keepalive must detect them. */
export const SILENT: readonly PeerKind[] = (
  ["accept", "preface", "settings", "request", "headers", "message", "inside", "last"] as const
).map((at) => ({
  name: `silent (${at})`,
  at,
  next: "silence",
  stopsReading: true,
  expected: LOST,
}));

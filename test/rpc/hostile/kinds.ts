import { RPC_STATUS_NUMBERS, type RpcStatus } from "../../../src/rpc/index.js";
import {
  continuation,
  data,
  FLAG,
  FRAME,
  frame,
  grpcMessage,
  HTTP2_CODES,
  headers,
  ping,
  RESPONSE_HEADERS,
  rstStream,
  settings,
  trailers,
  trailersOnly,
  windowUpdate,
} from "./frames.js";
import type { PeerKind } from "./peer.js";

/** The connection is of no use: it can be tried again, elsewhere or later. */
const LOST: readonly RpcStatus[] = ["UNAVAILABLE"];

/** A stream broken by one side; whether it is the connection that is broken, libraries judge differently. */
const BROKEN: readonly RpcStatus[] = ["INTERNAL", "UNAVAILABLE", "UNKNOWN"];

/** OK, without the message that was asked for. */
const NO_MESSAGE: readonly RpcStatus[] = ["INTERNAL", "UNIMPLEMENTED", "UNKNOWN"];

const MAX_FRAME_BYTES = 16_384;

/** SETTINGS_INITIAL_WINDOW_SIZE and the like of RFC 9113, section 6.5.2. */
const SETTING = { HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5 } as const;

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

function repeat(count: number, frameAt: (index: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => frameAt(index));
}

const HTTP1_BAD_REQUEST = Buffer.from(
  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
);
const HTTP1_OK = Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nOK");

/** Servers of something else, and ports behind which nothing is well. */
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

/** Servers with TLS where none is expected, and the other way round. */
export const TLS_STRANGERS: readonly PeerKind[] = [
  {
    name: "TLS, to a client without",
    at: "accept",
    listens: "tls",
    next: "silence",
    says: /TLS/,
    expected: LOST,
  },
  {
    name: "plain TCP that is silent until it is closed, to a client with TLS",
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

/** Bytes that break HTTP/2, on a connection that has been proper so far. */
export const BAD_FRAMING: readonly PeerKind[] = [
  ...(["settings", "request", "headers", "message", "inside", "last"] as const).flatMap((at): PeerKind[] => [
    {
      name: `64 bytes of 0xff (${at})`,
      at,
      send: () => Buffer.alloc(64, 0xff),
      next: "silence",
      expected: LOST,
    },
    {
      name: `64 bytes of 0xff, then FIN (${at})`,
      at,
      send: () => Buffer.alloc(64, 0xff),
      next: "end",
      expected: LOST,
    },
    {
      name: `64 bytes of 0xff, then RST (${at})`,
      at,
      send: () => Buffer.alloc(64, 0xff),
      next: "reset",
      expected: LOST,
    },
    {
      name: `random bytes, then FIN (${at})`,
      at,
      send: () => seededBytes(7, 500),
      next: "end",
      expected: LOST,
    },
  ]),
  ...(["settings", "request", "message"] as const).flatMap((at): PeerKind[] => [
    {
      name: `half a frame, then FIN (${at})`,
      at,
      send: () => settings([[SETTING.MAX_FRAME_SIZE, MAX_FRAME_BYTES]]).subarray(0, 12),
      next: "end",
      expected: LOST,
    },
    {
      name: `half a frame, then RST (${at})`,
      at,
      send: () => settings([[SETTING.MAX_FRAME_SIZE, MAX_FRAME_BYTES]]).subarray(0, 12),
      next: "reset",
      expected: LOST,
    },
    {
      name: `half a frame header, then FIN (${at})`,
      at,
      send: () => Buffer.from([0, 0, 8]),
      next: "end",
      expected: LOST,
    },
  ]),
  {
    name: "HEADERS on stream 0",
    at: "settings",
    send: () => headers(0, RESPONSE_HEADERS),
    next: "silence",
    expected: LOST,
  },
  {
    name: "HEADERS on stream 0 before SETTINGS",
    at: "accept",
    send: () => headers(0, RESPONSE_HEADERS),
    next: "end",
    expected: LOST,
  },
  {
    name: "HEADERS on a stream that the client has not opened",
    at: "request",
    send: () => headers(101, RESPONSE_HEADERS),
    next: "end",
    expected: LOST,
  },
  {
    name: "DATA on a stream that the client has not opened",
    at: "request",
    send: () => data(101, Buffer.alloc(10)),
    next: "end",
    expected: LOST,
  },
  {
    name: "DATA on stream 0",
    at: "request",
    send: () => data(0, Buffer.alloc(10)),
    next: "silence",
    expected: LOST,
  },
  {
    name: "RST_STREAM on stream 0",
    at: "request",
    send: () => rstStream(0, 0),
    next: "silence",
    expected: LOST,
  },
  {
    name: "RST_STREAM on a stream that the client has not opened",
    at: "settings",
    send: () => rstStream(101, 0),
    next: "end",
    expected: LOST,
  },
  {
    name: "a frame longer than allowed",
    at: "request",
    send: (id) => data(id, Buffer.alloc(MAX_FRAME_BYTES + 1)),
    next: "silence",
    expected: BROKEN,
  },
  {
    name: "a frame that says it has 16 MiB",
    at: "request",
    send: (id) => frame(FRAME.DATA, 0, id, Buffer.alloc(10), 0xffffff),
    next: "silence",
    expected: BROKEN,
  },
  {
    name: "SETTINGS of five bytes",
    at: "settings",
    send: () => frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(5)),
    next: "silence",
    expected: LOST,
  },
  {
    name: "SETTINGS with a window of 4 GiB",
    at: "settings",
    send: () => settings([[SETTING.INITIAL_WINDOW_SIZE, 0xffffffff]]),
    next: "silence",
    expected: LOST,
  },
  {
    name: "SETTINGS with ENABLE_PUSH 2",
    at: "settings",
    send: () => settings([[SETTING.ENABLE_PUSH, 2]]),
    next: "silence",
    expected: LOST,
  },
  {
    name: "a PING of seven bytes",
    at: "request",
    send: () => frame(FRAME.PING, 0, 0, Buffer.alloc(7)),
    next: "silence",
    expected: LOST,
  },
  {
    name: "a GOAWAY of four bytes",
    at: "request",
    send: () => frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(4)),
    next: "silence",
    expected: LOST,
  },
  {
    name: "HPACK with an index beyond the table",
    at: "request",
    send: (id) => frame(FRAME.HEADERS, FLAG.END_HEADERS, id, Buffer.from([0xff, 0xff, 0x7f])),
    next: "silence",
    expected: LOST,
  },
  {
    name: "HPACK that ends in a literal",
    at: "request",
    send: (id) => frame(FRAME.HEADERS, FLAG.END_HEADERS, id, Buffer.from([0, 20, 0x61])),
    next: "silence",
    expected: LOST,
  },
  {
    name: "CONTINUATION without HEADERS",
    at: "request",
    send: (id) => continuation(id, RESPONSE_HEADERS),
    next: "silence",
    expected: LOST,
  },
  {
    name: "HEADERS, then DATA instead of CONTINUATION",
    at: "request",
    send: (id) => [headers(id, RESPONSE_HEADERS, { endHeaders: false }), data(id, Buffer.alloc(1))],
    next: "silence",
    expected: LOST,
  },
  {
    name: "WINDOW_UPDATE of 0 on the connection",
    at: "request",
    send: () => windowUpdate(0, 0),
    next: "silence",
    expected: LOST,
  },
  {
    name: "WINDOW_UPDATE of 0 on the stream",
    at: "request",
    send: (id) => windowUpdate(id, 0),
    next: "end",
    expected: BROKEN,
  },
  {
    name: "WINDOW_UPDATE beyond 2^31 - 1 on the connection",
    at: "request",
    send: () => windowUpdate(0, 0x7fffffff),
    next: "silence",
    expected: LOST,
  },
  {
    name: "WINDOW_UPDATE beyond 2^31 - 1 on the stream",
    at: "request",
    send: (id) => windowUpdate(id, 0x7fffffff),
    next: "end",
    expected: [...BROKEN, "RESOURCE_EXHAUSTED"],
  },
  {
    name: "PUSH_PROMISE, which was refused",
    at: "request",
    send: (id) => frame(FRAME.PUSH_PROMISE, FLAG.END_HEADERS, id, Buffer.from([0, 0, 0, 2])),
    next: "silence",
    expected: LOST,
  },
  {
    name: "a SETTINGS flood, not reading",
    at: "settings",
    send: () => repeat(20_000, () => settings()),
    next: "end",
    stopsReading: true,
    expected: LOST,
  },
  {
    name: "a PING flood, not reading",
    at: "settings",
    send: () => repeat(20_000, (index) => ping(String(index))),
    next: "end",
    stopsReading: true,
    expected: LOST,
  },
  {
    name: "an endless header block",
    at: "request",
    send: (id) => [
      headers(id, RESPONSE_HEADERS, { endHeaders: false }),
      ...repeat(2000, (index) => continuation(id, { [`x-${index}`]: "x".repeat(1000) })),
    ],
    next: "silence",
    expected: [...BROKEN, "RESOURCE_EXHAUSTED"],
  },
  {
    name: "endless informational headers",
    at: "request",
    send: (id) => repeat(20_000, () => headers(id, { ":status": "103" })),
    next: "end",
    expected: [...BROKEN, "RESOURCE_EXHAUSTED"],
  },
  {
    name: "an RST_STREAM flood",
    at: "message",
    send: (id) => repeat(20_000, () => rstStream(id, HTTP2_CODES.INTERNAL_ERROR)),
    next: "end",
    expected: BROKEN,
  },
  {
    name: "empty DATA without end",
    at: "headers",
    send: (id) => repeat(20_000, () => data(id, Buffer.alloc(0))),
    next: "end",
    expected: LOST,
  },
];

/** Responses that are proper HTTP/2, and not gRPC. */
export const BAD_RESPONSES: readonly PeerKind[] = [
  {
    name: "HTTP 404",
    at: "request",
    send: (id) => headers(id, { ":status": "404", "content-type": "text/html" }, { endStream: true }),
    next: "silence",
    expected: ["UNIMPLEMENTED"],
  },
  {
    name: "HTTP 502 with a page",
    at: "request",
    send: (id) => [
      headers(id, { ":status": "502", "content-type": "text/html" }),
      data(id, Buffer.from("<html>"), { endStream: true }),
    ],
    next: "silence",
    expected: ["UNAVAILABLE"],
  },
  {
    name: "HTTP 502 whose page never ends",
    at: "request",
    send: (id) => [
      headers(id, { ":status": "502", "content-type": "text/html" }),
      data(id, Buffer.from("<html>")),
    ],
    next: "silence",
    expected: ["UNAVAILABLE"],
  },
  {
    name: "HTTP 200 with a page",
    at: "request",
    send: (id) => [
      headers(id, { ":status": "200", "content-type": "text/html" }),
      data(id, Buffer.from("<html>"), { endStream: true }),
    ],
    next: "silence",
    expected: ["UNKNOWN", "INTERNAL"],
  },
  {
    name: "HTTP 200 with a page that never ends",
    at: "request",
    send: (id) => [
      headers(id, { ":status": "200", "content-type": "text/html" }),
      data(id, Buffer.from("<html>")),
    ],
    next: "silence",
    expected: ["UNKNOWN", "INTERNAL"],
  },
  {
    name: "HTTP 200 without a content type",
    at: "request",
    send: (id) => [headers(id, { ":status": "200" }), data(id, Buffer.from("<html>"), { endStream: true })],
    next: "silence",
    expected: ["UNKNOWN", "INTERNAL"],
  },
  {
    name: "a status that is not a number",
    at: "request",
    send: (id) => headers(id, { ":status": "abc" }, { endStream: true }),
    next: "silence",
    expected: BROKEN,
  },
  {
    name: "no trailers",
    at: "headers",
    send: (id) => data(id, new Uint8Array(0), { endStream: true }),
    next: "silence",
    expected: BROKEN,
  },
  {
    name: "no trailers after the messages",
    at: "last",
    send: (id) => data(id, new Uint8Array(0), { endStream: true }),
    next: "silence",
    expected: BROKEN,
  },
  {
    name: "trailers without a grpc-status",
    at: "last",
    send: (id) => headers(id, { "x-other": "1" }, { endStream: true }),
    next: "silence",
    expected: BROKEN,
  },
  {
    name: "a grpc-status that is not a number",
    at: "last",
    send: (id) => trailers(id, "abc"),
    next: "silence",
    expected: ["UNKNOWN", "INTERNAL"],
  },
  {
    name: "a grpc-status that is unknown",
    at: "last",
    send: (id) => trailers(id, "99"),
    next: "silence",
    expected: ["UNKNOWN"],
  },
  {
    name: "a grpc-status below 0",
    at: "last",
    send: (id) => trailers(id, "-1"),
    next: "silence",
    expected: ["UNKNOWN", "INTERNAL"],
  },
  {
    name: "a grpc-message that is wrongly encoded",
    at: "last",
    send: (id) => trailers(id, "5", "100%zz%"),
    next: "silence",
    expected: ["NOT_FOUND"],
  },
  {
    name: "a message that is longer than its data",
    at: "headers",
    send: (id) => [data(id, grpcMessage(Buffer.alloc(10), { length: 100 })), trailers(id)],
    next: "silence",
    expected: ["INTERNAL"],
  },
  {
    name: "half a message header",
    at: "headers",
    send: (id) => [data(id, Buffer.from([0, 0])), trailers(id)],
    next: "silence",
    expected: ["INTERNAL"],
  },
  {
    name: "a compressed message, without an encoding",
    at: "headers",
    send: (id) => data(id, grpcMessage(Buffer.alloc(10), { compressed: true })),
    next: "silence",
    expected: ["INTERNAL"],
  },
  {
    name: "a message of an unknown encoding",
    at: "request",
    send: (id) => [
      headers(id, { ...RESPONSE_HEADERS, "grpc-encoding": "snappy" }),
      data(id, grpcMessage(Buffer.alloc(10), { compressed: true })),
    ],
    next: "silence",
    expected: ["INTERNAL", "UNIMPLEMENTED"],
  },
  {
    name: "a message that says it has 4 GiB",
    at: "headers",
    send: (id) => data(id, grpcMessage(Buffer.alloc(10), { length: 0xffffffff })),
    next: "silence",
    expected: ["RESOURCE_EXHAUSTED"],
  },
  {
    name: "a message that is not protobuf",
    at: "headers",
    send: (id) => data(id, grpcMessage(Buffer.alloc(10, 0xff))),
    next: "silence",
    expected: ["INTERNAL"],
  },
  {
    name: "a message that is not protobuf, then FIN",
    at: "headers",
    send: (id) => data(id, grpcMessage(Buffer.alloc(10, 0xff))),
    next: "end",
    expected: ["INTERNAL"],
  },
  {
    name: "a message that is cut within a field",
    at: "headers",
    send: (id) => [data(id, grpcMessage(Buffer.from([0x9a, 0x06, 0x7f]))), trailers(id)],
    next: "silence",
    expected: ["INTERNAL"],
  },
  {
    name: "a nested message that is cut within a field",
    at: "headers",
    send: (id) => [data(id, grpcMessage(Buffer.from([0x0a, 0x03, 0x9a, 0x06, 0x7f]))), trailers(id)],
    next: "silence",
    targets: ["flows"],
    expected: ["INTERNAL"],
  },
  ...(Object.entries(RPC_STATUS_NUMBERS) as [RpcStatus, number][]).flatMap(([status, number]): PeerKind[] => [
    {
      name: `nothing but the status ${status}`,
      at: "request",
      send: (id) => trailersOnly(id, String(number), "no%20more"),
      next: "silence",
      expected: [status],
    },
    {
      name: `the status ${status} after the messages`,
      at: "last",
      send: (id) => trailers(id, String(number), "no%20more"),
      next: "silence",
      expected: [status],
    },
  ]),
  {
    name: "nothing but the status OK",
    at: "request",
    send: (id) => trailersOnly(id, "0"),
    next: "silence",
    expected: { flows: "completes", status: NO_MESSAGE, record: ["INTERNAL"] },
  },
];

/** Servers from which nothing more comes: a deadline or a keepalive has to notice. */
export const SILENT: readonly PeerKind[] = (
  ["accept", "preface", "settings", "request", "headers", "message", "inside", "last"] as const
).map((at) => ({
  name: `silent (${at})`,
  at,
  next: "silence",
  stopsReading: true,
  expected: LOST,
}));

/** All of them that need no certificate and settle by themselves. */
export const KINDS: readonly PeerKind[] = [...STRANGERS, ...BAD_FRAMING, ...BAD_RESPONSES];

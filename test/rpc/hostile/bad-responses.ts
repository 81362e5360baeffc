import { RPC_STATUS_NUMBERS, type RpcStatus } from "../../../src/rpc/index.js";
import { data, grpcMessage, headers, RESPONSE_HEADERS, trailers, trailersOnly } from "./frames.js";
import { BROKEN, type PeerKind } from "./peer.js";

/** OK, without the requested message. */
const NO_MESSAGE: readonly RpcStatus[] = ["INTERNAL", "UNIMPLEMENTED", "UNKNOWN"];

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
    name: "a message with a length of 4 GiB",
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
    name: "a message that is truncated within a field",
    at: "headers",
    send: (id) => [data(id, grpcMessage(Buffer.from([0x9a, 0x06, 0x7f]))), trailers(id)],
    next: "silence",
    expected: ["INTERNAL"],
  },
  {
    name: "a nested message that is truncated within a field",
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
    name: "only the status OK",
    at: "request",
    send: (id) => trailersOnly(id, "0"),
    next: "silence",
    expected: { flows: "completes", status: NO_MESSAGE, record: ["INTERNAL"] },
  },
];

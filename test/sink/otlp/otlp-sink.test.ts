import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { describe, expect, test } from "vitest";
import {
  type AnyValue,
  type ExportLogsServiceRequest,
  ExportLogsServiceRequestSchema,
  ExportLogsServiceResponseSchema,
  ExportStatusSchema,
  type KeyValue,
  type LogRecord,
  LogsService,
} from "../../../src/gen/opentelemetry/logs_service_pb.js";
import {
  decodeEvent,
  type EncodedEvent,
  encodeEvent,
  encodeExportLine,
  formatFlow,
  type RefusedEventsError,
} from "../../../src/observer/index.js";
import { DropReason, ExportEventSchema, FlowSchema, Verdict } from "../../../src/proto.js";
import { openTransport } from "../../../src/rpc/index.js";
import { OTLP_ATTRIBUTES, type OtlpSinkOptions, openOtlpSink } from "../../../src/sink/otlp/index.js";
import { fakeClock } from "../../support/fake-clock.js";
import { repository } from "../../support/run.js";
import { answer, eventsOf, type Handler, type Received, serve } from "../http/http-server.js";
import { requestSinkContract } from "../request-sink-contract.js";

const PROTOBUF = { "Content-Type": "application/x-protobuf" };

function decode({ body }: Received): ExportLogsServiceRequest {
  return fromBinary(ExportLogsServiceRequestSchema, body);
}

function recordsOf({ resourceLogs }: ExportLogsServiceRequest): LogRecord[] {
  return resourceLogs.flatMap(({ scopeLogs }) => scopeLogs).flatMap(({ logRecords }) => logRecords);
}

function plainValue(value: AnyValue | undefined): unknown {
  const one = value?.value;
  return one?.case === "arrayValue" ? one.value.values.map(plainValue) : one?.value;
}

function toObject(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function uuidsOf(request: ExportLogsServiceRequest): string[] {
  return recordsOf(request).map(({ attributes }) => String(toObject(attributes)["log.record.uid"]));
}

async function open(handle: Handler, options: OtlpSinkOptions = {}) {
  const server = await serve(handle);
  return { server, sink: await openOtlpSink({ url: `${server.url}v1/logs`, ...options }) };
}

const accept: Handler = (_, response) => answer(response, 200, "", PROTOBUF);

function answerPartial(rejected: bigint, errorMessage: string): Handler {
  const response = { partialSuccess: { rejectedLogRecords: rejected, errorMessage } };
  const bytes = toBinary(ExportLogsServiceResponseSchema, create(ExportLogsServiceResponseSchema, response));
  return (_, out) => {
    out.writeHead(200, PROTOBUF);
    out.end(bytes);
  };
}

requestSinkContract("openOtlpSink over HTTP: contract", async (behaviour) => {
  const stored: string[][] = [];
  const { sink } = await open((received, response, call) => {
    const uuids = uuidsOf(decode(received));
    const status = behaviour(uuids, call);
    if (status === 200) stored.push(uuids);
    answer(response, status, "", PROTOBUF);
  });
  return { sink, stored: () => stored };
});

const CODES: Readonly<Record<number, readonly [Code, string]>> = {
  400: [Code.InvalidArgument, "status 400"],
  413: [Code.ResourceExhausted, "status 413: received message larger than max"],
  503: [Code.Unavailable, "status 503"],
};

requestSinkContract("openOtlpSink over gRPC: contract", async (behaviour) => {
  const stored: string[][] = [];
  let calls = 0;
  const transport = createRouterTransport(({ rpc }) => {
    rpc(LogsService.method.export, (request) => {
      const uuids = uuidsOf(request);
      const status = behaviour(uuids, ++calls);
      const [code, message] = CODES[status] ?? [];
      if (code !== undefined) throw new ConnectError(message ?? "", code);
      stored.push(uuids);
      return {};
    });
  });
  const sink = await openOtlpSink({ transport });
  return { sink, stored: () => stored };
});

const dropped = create(FlowSchema, {
  time: { seconds: 1_781_621_533n, nanos: 596_000_001 },
  uuid: "u1",
  nodeName: "west/node-1",
  verdict: Verdict.DROPPED,
  dropReasonDesc: DropReason.POLICY_DENIED,
  IP: { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: 1 },
  l4: { protocol: { case: "TCP", value: { sourcePort: 40_000, destinationPort: 80, flags: { SYN: true } } } },
  source: { namespace: "shop", podName: "cart-1", identity: 4711, labels: ["k8s:app=cart"] },
  destination: { namespace: "shop", podName: "db-0", workloads: [{ name: "db", kind: "StatefulSet" }] },
  isReply: false,
  traceContext: { parent: { traceId: "0af7651916cd43dd8448eb211c80319c" } },
});

describe("openOtlpSink: records", () => {
  async function send(events: readonly EncodedEvent[], options: OtlpSinkOptions = {}) {
    const { server, sink } = await open(accept, { clock: fakeClock(5000), ...options });
    await sink.write(events);
    return server.received[0]!;
  }

  test("have times, severity, body and attributes of a flow, and its node as resource", async () => {
    const received = await send([encodeEvent(dropped)]);
    expect(received.url).toBe("/v1/logs");
    expect(received.headers["content-type"]).toBe("application/x-protobuf");
    const [logs] = decode(received).resourceLogs;
    expect(toObject(logs!.resource!.attributes)).toEqual({
      ...{ "service.name": "hubble", "k8s.node.name": "node-1", "k8s.cluster.name": "west" },
    });
    const [record] = logs!.scopeLogs[0]!.logRecords;
    expect(record).toMatchObject({
      timeUnixNano: 1_781_621_533_596_000_001n,
      observedTimeUnixNano: 5_000_000_000n,
      ...{ severityNumber: 13, severityText: "WARN", eventName: "hubble.flow" },
      body: { value: { case: "stringValue", value: formatFlow(dropped) } },
    });
    expect(Buffer.from(record!.traceId).toString("hex")).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(toObject(record!.attributes)).toEqual({
      ...{ "log.record.uid": "u1", "network.transport": "tcp", "network.type": "ipv4" },
      ...{ "source.address": "10.0.0.1", "source.port": 40_000n },
      ...{ "source.k8s.namespace.name": "shop", "source.k8s.pod.name": "cart-1" },
      ...{ "cilium.source.identity": 4711n, "cilium.source.labels": ["k8s:app=cart"] },
      ...{ "destination.address": "10.0.0.2", "destination.port": 80n },
      ...{ "destination.k8s.namespace.name": "shop", "destination.k8s.pod.name": "db-0" },
      ...{ "hubble.destination.workload.name": "db", "hubble.destination.workload.kind": "StatefulSet" },
      ...{ "hubble.event.kind": "flow", "hubble.verdict": "DROPPED", "hubble.drop_reason": "POLICY_DENIED" },
      ...{ "hubble.is_reply": false, "hubble.protocol": "TCP", "hubble.tcp.flags": ["SYN"] },
    });
  });

  test.each<[string, object, Record<string, unknown>]>([
    [
      "HTTP",
      {
        record: {
          case: "http",
          value: { code: 200, method: "GET", url: "http://a/b", protocol: "HTTP/1.1" },
        },
      },
      {
        ...{ "http.request.method": "GET", "http.response.status_code": 200n, "url.full": "http://a/b" },
        ...{ "network.protocol.name": "http", "network.protocol.version": "1.1" },
      },
    ],
    [
      "DNS",
      { record: { case: "dns", value: { query: "a.example.", ips: ["10.0.0.1"], rcode: 0 } } },
      {
        ...{ "dns.question.name": "a.example", "dns.answers": ["10.0.0.1"], "hubble.dns.rcode": 0n },
        "network.protocol.name": "dns",
      },
    ],
    [
      "Kafka",
      { record: { case: "kafka", value: { topic: "orders" } } },
      {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "network.protocol.name": "kafka",
      },
    ],
  ])("have the attributes of %s", async (_, l7, expected) => {
    const received = await send([encodeEvent(create(FlowSchema, { l7 }))]);
    const [record] = recordsOf(decode(received));
    expect(toObject(record!.attributes)).toEqual({ "hubble.event.kind": "flow", ...expected });
  });

  test.each([
    [Verdict.FORWARDED, 9],
    [Verdict.ERROR, 17],
    [Verdict.AUDIT, 13],
    [4711, 9],
  ])("have the severity of the verdict %i", async (verdict, severity) => {
    const [record] = recordsOf(decode(await send([encodeEvent(create(FlowSchema, { verdict }))])));
    expect(record?.severityNumber).toBe(severity);
  });

  test("report lost events as a warning", async () => {
    const lost = create(ExportEventSchema, {
      responseTypes: { case: "lostEvents", value: { numEventsLost: 3n } },
    });
    const [record] = recordsOf(decode(await send([encodeEvent(lost)])));
    expect(record).toMatchObject({ severityText: "WARN", eventName: "hubble.lost_events", timeUnixNano: 0n });
    expect(toObject(record!.attributes)).toMatchObject({ "hubble.lost_events.count": 3n });
  });

  test("have one resource for each node", async () => {
    const at = (uuid: string, nodeName: string) => encodeEvent(create(FlowSchema, { uuid, nodeName }));
    const request = decode(await send([at("1", "a"), at("2", "b"), at("3", "a"), at("4", "")]));
    expect(
      request.resourceLogs.map((logs) => [
        toObject(logs.resource!.attributes)["k8s.node.name"],
        logs.scopeLogs[0]!.logRecords.length,
      ]),
    ).toEqual([
      ["a", 2],
      ["b", 1],
      [undefined, 1],
    ]);
  });

  test("have the body, attributes and resource of the options", async () => {
    const event = encodeEvent(dropped);
    const json = recordsOf(decode(await send([event], { body: "json" })))[0]!;
    expect(plainValue(json.body)).toBe(encodeExportLine(decodeEvent(event)));
    const request = decode(
      await send([event], {
        body: () => "the body",
        attributes: { a: () => 1.5, b: () => 2n ** 60n, c: () => undefined },
        resource: { "service.name": "mine", zone: ["x", "y"] },
      }),
    );
    const [record] = recordsOf(request);
    expect(plainValue(record!.body)).toBe("the body");
    expect(toObject(record!.attributes)).toEqual({ a: 1.5, b: 2n ** 60n });
    expect(toObject(request.resourceLogs[0]!.resource!.attributes)).toEqual({
      ...{ "service.name": "mine", zone: ["x", "y"] },
      ...{ "k8s.node.name": "node-1", "k8s.cluster.name": "west" },
    });
  });

  test("are encoded like those of OpenTelemetry's own exporter", async () => {
    const { traceContext: _, ...withoutTrace } = dropped;
    const request = decode(await send([encodeEvent(create(FlowSchema, withoutTrace))]));
    const [logs] = request.resourceLogs;
    const [record] = recordsOf(request);
    const numbers = (attributes: readonly KeyValue[]) =>
      Object.fromEntries(
        Object.entries(toObject(attributes)).map(([key, value]) => [
          key,
          typeof value === "bigint" ? Number(value) : value,
        ]),
      );
    const bytes = ProtobufLogsSerializer.serializeRequest([
      {
        hrTime: [1_781_621_533, 596_000_001],
        hrTimeObserved: [5, 0],
        severityNumber: 13,
        severityText: "WARN",
        eventName: "hubble.flow",
        body: formatFlow(dropped),
        // The attributes have the types of OpenTelemetry.
        attributes: numbers(record!.attributes) as Record<string, string>,
        droppedAttributesCount: 0,
        resource: { attributes: numbers(logs!.resource!.attributes) } as never,
        instrumentationScope: { name: "flowscribe" },
      },
    ]);
    const theirs = fromBinary(ExportLogsServiceRequestSchema, bytes!);
    expect(toJson(ExportLogsServiceRequestSchema, request)).toEqual(
      toJson(ExportLogsServiceRequestSchema, theirs),
    );
  });

  test("an event whose body or attributes throw is refused", async () => {
    const { server, sink } = await open(accept, {
      body: (event) => {
        if (event.responseTypes.case === "flow" && event.responseTypes.value.uuid === "bad")
          throw new Error("no body");
        return "";
      },
    });
    await expect(sink.write(eventsOf("1", "bad"))).rejects.toThrow("the sink refused the flow bad: no body");
    expect(uuidsOf(decode(server.received[0]!))).toEqual(["1"]);
  });
});

test("OTLP_ATTRIBUTES: names outside hubble, cilium and the prefixed names of Kubernetes are those of the conventions", () => {
  const known = new Set<unknown>(Object.values(conventions));
  const names = Object.keys(OTLP_ATTRIBUTES)
    .filter((name) => !/^(hubble|cilium)\./.test(name))
    .map((name) => name.replace(/^(source|destination)\.(?=k8s\.)/, ""));
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test("OTLP_ATTRIBUTES: docs/otlp.md has a row for each, and for no other", () => {
  const page = readFileSync(join(repository, "docs/otlp.md"), "utf8");
  const rows = page.slice(page.indexOf("## Attributes")).matchAll(/^\| (`.*`) \| .+ \|$/gm);
  const names = [...rows].flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
  expect(names.sort()).toEqual(Object.keys(OTLP_ATTRIBUTES).sort());
});

describe("openOtlpSink: partial success", () => {
  test("counts the rejected records, and refuses all events of the request, as it is unknown which", async () => {
    const { sink } = await open(answerPartial(2n, "no tenant"));
    const error = (await sink
      .write(eventsOf("1", "2", "3"))
      .catch((one: unknown) => one)) as RefusedEventsError;
    expect(error.refused.map(({ event }) => event.uuid)).toEqual(["1", "2", "3"]);
    expect(error.refused[0]?.reason).toBe(
      'the server refused 2 of 3 events without saying which: "no tenant"',
    );
    expect(sink.stats).toEqual({ written: 1, refused: 2, failures: 0 });
  });

  test("refuses all if all records were rejected", async () => {
    const { sink } = await open(answerPartial(9n, ""));
    await expect(sink.write(eventsOf("1"))).rejects.toThrow(
      "the sink refused the flow 1: the server gave no reason",
    );
    expect(sink.stats).toEqual({ written: 0, refused: 1, failures: 0 });
  });

  test("a warning without rejected records is no failure", async () => {
    const { sink } = await open(answerPartial(0n, "deprecated"));
    await sink.write(eventsOf("1"));
    expect(sink.stats.written).toBe(1);
  });

  test("is read from JSON, and from gRPC", async () => {
    const json = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no","new":1}}';
    const http = await open((_, response) =>
      answer(response, 200, json, { "Content-Type": "application/json; a=b" }),
    );
    await expect(http.sink.write(eventsOf("1"))).rejects.toThrow('the sink refused the flow 1: "no"');
    const transport = createRouterTransport(({ rpc }) => {
      rpc(LogsService.method.export, () => ({
        partialSuccess: { rejectedLogRecords: 1n, errorMessage: "no" },
      }));
    });
    const grpc = await openOtlpSink({ transport });
    await expect(grpc.write(eventsOf("1"))).rejects.toThrow('the sink refused the flow 1: "no"');
  });
});

describe("openOtlpSink: answers", () => {
  test.each([
    ["the page of a proxy", "<html>", "text/html", 'its Content-Type is "text/html"'],
    ["damaged protobuf", "\u000a\u0009", "application/x-protobuf", "not that of an OTLP server"],
    ["damaged JSON", "{", "application/json", "not that of an OTLP server"],
    ["too much", "x".repeat(100_000), "application/x-protobuf", "it is too long"],
  ])("%s with status 200 is a failure", async (_, body, type, message) => {
    const { sink } = await open((_received, response) =>
      answer(response, 200, body, { "Content-Type": type }),
    );
    await expect(sink.write(eventsOf("1"))).rejects.toThrow(message);
  });

  test("the message of a failure is decoded, without secrets", async () => {
    const status = create(ExportStatusSchema, { code: 16, message: "token s3cr3t is unknown" });
    const { sink } = await open(
      (_, response) => {
        response.writeHead(401, PROTOBUF);
        response.end(toBinary(ExportStatusSchema, status));
      },
      { headers: { Authorization: "Bearer s3cr3t" } },
    );
    await expect(sink.write(eventsOf("1"))).rejects.toThrow(
      'status 401: "token *** is unknown"; check the credentials',
    );
  });

  test("a failure of gRPC has its code", async () => {
    const transport = createRouterTransport(({ rpc }) => {
      rpc(LogsService.method.export, () => {
        throw new ConnectError("who are you", Code.Unauthenticated);
      });
    });
    const sink = await openOtlpSink({ transport });
    await expect(sink.write(eventsOf("1"))).rejects.toMatchObject({
      code: "sink_failed",
      message:
        'opentelemetry.proto.collector.logs.v1.LogsService/Export: gRPC status Unauthenticated: "who are you"',
    });
  });
});

test("openOtlpSink: sends over gRPC with a transport of openTransport", async () => {
  const received: string[][] = [];
  const headers: (string | null)[] = [];
  const server = createServer(
    connectNodeAdapter({
      routes: ({ rpc }) => {
        rpc(LogsService.method.export, (request, { requestHeader }) => {
          received.push(uuidsOf(request));
          headers.push(requestHeader.get("x-tenant"));
          return {};
        });
      },
    }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  // The server listens on a port.
  const { port } = server.address() as AddressInfo;
  await using transport = openTransport(`127.0.0.1:${port}`, { headers: { "x-tenant": "shop" } });
  await using sink = await openOtlpSink({ transport });
  await sink.write(eventsOf("1", "2"));
  expect(received).toEqual([["1", "2"]]);
  expect(headers).toEqual(["shop"]);
  server.close();
});

test("openOtlpSink: rejects options for HTTP with a transport, and invalid values", async () => {
  const transport = createRouterTransport(() => {});
  await expect(openOtlpSink({ transport, gzip: true })).rejects.toThrow("gzip: has no effect with transport");
  await expect(openOtlpSink({ resource: { a: {} } } as never)).rejects.toThrow(
    "resource.a: must be a string",
  );
  await expect(openOtlpSink({ body: "xml" } as never)).rejects.toThrow("body: must be one of compact, json");
});

import { describe, expect, test, vi } from "vitest";
import { collect } from "../../../src/collect/index.js";
import {
  decodeEvent,
  type EncodedEvent,
  encodeExportLine,
  flattenEvent,
  type RefusedEventsError,
} from "../../../src/observer/index.js";
import { type HttpSinkOptions, openHttpSink } from "../../../src/sink/http/index.js";
import { fakeEventSource } from "../../../src/testing/index.js";
import { fakeClock } from "../../support/fake-clock.js";
import { PATIENCE } from "../../support/patience.js";
import { requestSinkContract } from "../request-sink-contract.js";
import { answer, eventOf, eventsOf, type Handler, serve, uuidsOf } from "./http-server.js";

requestSinkContract("openHttpSink: contract", async (behaviour) => {
  const stored: string[][] = [];
  const { url } = await serve((received, response, call) => {
    const uuids = uuidsOf(received);
    const status = behaviour(uuids, call);
    if (status === 200) stored.push(uuids);
    answer(response, status, "the answer");
  });
  return { sink: await openHttpSink(url), stored: () => stored };
});

async function open(handle: Handler, options: HttpSinkOptions = {}, path = "") {
  const server = await serve(handle);
  return { server, sink: await openHttpSink(`${server.url}${path}`, options) };
}

const accept: Handler = (_, response) => answer(response, 200);

describe("openHttpSink: requests", () => {
  test("have a line for each event, as in export files", async () => {
    const { server, sink } = await open(accept);
    const events = eventsOf("1", "2");
    await sink.write(events);
    const lines = events.map((event) => `${encodeExportLine(decodeEvent(event))}\n`);
    expect(server.received[0]?.body.toString()).toBe(lines.join(""));
    expect(server.received[0]?.headers).toMatchObject({
      "content-type": "application/x-ndjson",
      "content-length": String(Buffer.byteLength(lines.join(""))),
    });
  });

  test("have the rows, headers and content type of the options", async () => {
    const { server, sink } = await open(
      accept,
      { row: flattenEvent, contentType: "application/json", headers: { "X-Key": "secret" } },
      "path?query=INSERT%20INTO%20flows",
    );
    const event = eventOf("1", { verdict: "DROPPED" });
    await sink.write([event]);
    const [received] = server.received;
    expect(JSON.parse(received!.body.toString())).toEqual(flattenEvent(decodeEvent(event)));
    expect(received?.url).toBe("/path?query=INSERT%20INTO%20flows");
    expect(received?.headers).toMatchObject({ "x-key": "secret", "content-type": "application/json" });
  });

  test("are compressed with gzip", async () => {
    const { server, sink } = await open(accept, { gzip: true });
    await sink.write(eventsOf("1", "2"));
    expect(server.received[0]?.headers["content-encoding"]).toBe("gzip");
    expect(uuidsOf(server.received[0]!)).toEqual(["1", "2"]);
  });

  test("use one connection", async () => {
    const { server, sink } = await open(accept);
    for (const uuid of ["1", "2", "3"]) await sink.write(eventsOf(uuid));
    expect(server.received.length).toBe(3);
    expect(server.connections).toBe(1);
  });

  test("are repeated at once if the server has closed the idle connection", async () => {
    const { server, sink } = await open((_, response, call) => {
      // The second request arrives on the kept connection, which ends without an answer.
      if (call === 2) response.destroy();
      else answer(response, 200);
    });
    await sink.write(eventsOf("1"));
    await sink.write(eventsOf("2"));
    expect(server.received.map(uuidsOf)).toEqual([["1"], ["2"], ["2"]]);
    expect(sink.stats).toEqual({ written: 2, refused: 0, failures: 0 });
  });

  test("are at most maxBodyBytes long; a larger event is refused", async () => {
    const lineBytes = Buffer.byteLength(encodeExportLine(decodeEvent(eventOf("1")))) + 1;
    const { server, sink } = await open(accept, { maxBodyBytes: 2 * lineBytes });
    const events = eventsOf("1", "2", "3", "x".repeat(3 * lineBytes), "4");
    const error = await sink.write(events).catch((reason: unknown) => reason as RefusedEventsError);
    expect(error).toMatchObject({
      refused: [{ event: events[3], reason: expect.stringContaining("maxBodyBytes") }],
    });
    expect(server.received.map(uuidsOf)).toEqual([
      ["1", "2"],
      ["3", "4"],
    ]);
    expect(sink.stats).toEqual({ written: 4, refused: 1, failures: 0 });
  });

  test("go through the agent of the caller, which stays open", async () => {
    const { Agent } = await import("node:http");
    let isDestroyed = false;
    const agent = new (class extends Agent {
      override destroy(): void {
        isDestroyed = true;
        super.destroy();
      }
    })();
    const { sink } = await open(accept, { agent });
    await sink.write(eventsOf("1"));
    await sink[Symbol.asyncDispose]();
    expect(isDestroyed).toBe(false);
    agent.destroy();
  });
});

describe("openHttpSink: tokens", () => {
  async function tokens(...batches: readonly EncodedEvent[][]): Promise<(string | null)[]> {
    const { server, sink } = await open(accept, {
      deduplicationParameter: "insert_deduplication_token",
      idempotencyHeader: "Idempotency-Key",
    });
    for (const batch of batches) await sink.write(batch);
    return server.received.map(({ url, headers }) => {
      const token = new URL(url, server.url).searchParams.get("insert_deduplication_token");
      expect(headers["idempotency-key"]).toBe(token);
      return token;
    });
  }

  test("are equal for the same events in the same order only", async () => {
    const [one, again, other, order, joined] = await tokens(
      eventsOf("1", "2"),
      eventsOf("1", "2"),
      eventsOf("1", "3"),
      eventsOf("2", "1"),
      eventsOf("12"),
    );
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(again).toBe(one);
    expect(new Set([one, other, order, joined]).size).toBe(4);
  });

  test("differ for different events without a UUID", async () => {
    const [one, other] = await tokens(
      [eventOf("", { to: "10.0.0.1:1" })],
      [eventOf("", { to: "10.0.0.1:2" })],
    );
    expect(one).not.toBe(other);
  });
});

describe("openHttpSink: rows", () => {
  test.each<[string, (uuid: string) => unknown, string]>([
    ["undefined", () => undefined, "row returned undefined, which has no JSON form"],
    ["a bigint", () => 1n, "BigInt"],
    [
      "an exception",
      () => {
        throw new Error("no row");
      },
      "no row",
    ],
  ])("%s refuses the event only", async (_, badRow, reason) => {
    const { server, sink } = await open(accept, {
      row: ({ responseTypes }) => {
        const uuid = responseTypes.case === "flow" ? responseTypes.value.uuid : "";
        return uuid === "bad" ? badRow(uuid) : { flow: { uuid } };
      },
    });
    const error = await sink.write(eventsOf("1", "bad", "2")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ refused: [{ reason: expect.stringContaining(reason) }] });
    expect(server.received.map(uuidsOf)).toEqual([["1", "2"]]);
  });
});

describe("openHttpSink: divisions", () => {
  test("are bounded; the rest of a refused request counts as refused", async () => {
    const { server, sink } = await open(
      (received, response) => answer(response, uuidsOf(received).includes("bad") ? 422 : 200),
      { maxDivisions: 1 },
    );
    await sink.write(eventsOf("0"));
    const error = (await sink
      .write(eventsOf("1", "2", "bad", "3"))
      .catch((thrown: unknown) => thrown)) as RefusedEventsError;
    expect(error.refused.map(({ event }) => event.uuid)).toEqual(["bad", "3"]);
    expect(server.received.map(uuidsOf)).toEqual([["0"], ["1", "2", "bad", "3"], ["1", "2"], ["bad", "3"]]);
    expect(sink.stats).toEqual({ written: 3, refused: 2, failures: 0 });
  });

  test("happen for the statuses of the options", async () => {
    const { sink } = await open(
      (received, response) => answer(response, uuidsOf(received).includes("bad") ? 500 : 200),
      { refusedStatuses: [500] },
    );
    await expect(sink.write(eventsOf("1", "bad"))).rejects.toThrow(
      "the sink refused the flow bad: status 500",
    );
  });
});

describe("openHttpSink: statuses", () => {
  test.each([
    [401, "credentials"],
    [403, "rights"],
    [404, "name of the table"],
    [405, "does not accept POST"],
    [408, "status 408"],
    [429, "status 429"],
    [500, 'status 500: "the reason\\x1b[31m"'],
    [502, "status 502"],
    [304, "redirects are not followed"],
  ])("%i fails, and the write may be repeated", async (status, message) => {
    const { server, sink } = await open((_, response, call) =>
      call === 1 ? answer(response, status, "the reason\u001b[31m") : answer(response, 204),
    );
    const failure = { code: "sink_failed", message: expect.stringContaining(message) };
    await expect(sink.write(eventsOf("1"))).rejects.toMatchObject(failure);
    await sink.write(eventsOf("1"));
    expect(server.received.length).toBe(2);
  });

  test("redirects are not followed", async () => {
    const other = await serve(accept);
    const { sink } = await open((_, response) => answer(response, 307, "", { Location: other.url }), {
      headers: { Authorization: "Bearer secret" },
    });
    await expect(sink.write(eventsOf("1"))).rejects.toThrow("redirects are not followed: use the final URL");
    expect(other.received).toEqual([]);
  });

  test("secrets in headers and in the URL are not in errors, even if the server repeats them", async () => {
    const server = await serve(({ headers, url }, response) =>
      answer(response, 403, `${headers.authorization} ${headers["x-key"]} ${url} is not allowed`),
    );
    const url = `${server.url}?password=hunter22&query=INSERT`;
    const sink = await openHttpSink(url, { headers: { Authorization: "Bearer s3cr3t", "X-Key": "abcdef" } });
    const error = (await sink.write(eventsOf("1")).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toContain('"*** *** /?password=***&query=INSERT is not allowed"');
    expect(error.message).not.toMatch(/s3cr3t|abcdef|hunter22/);
    expect(String(error.cause)).not.toMatch(/s3cr3t|abcdef|hunter22/);
  });
});

test("openHttpSink: credentials in the URL are sent as basic authentication, and are not in errors", async () => {
  const server = await serve(({ headers }, response) => answer(response, 401, String(headers.authorization)));
  const sink = await openHttpSink(server.url.replace("http://", "http://hubble:p%40ssw0rd@"));
  const error = (await sink.write(eventsOf("1")).catch((thrown: unknown) => thrown)) as Error;
  const [scheme, token = ""] = String(server.received[0]?.headers.authorization).split(" ");
  expect([scheme, Buffer.from(token, "base64").toString()]).toEqual(["Basic", "hubble:p@ssw0rd"]);
  expect(error.message).toBe(
    `POST ${server.url}: status 401: "Basic ***"; check the credentials (\`headers\`)`,
  );
});

test("openHttpSink: closing waits for the write that runs", async () => {
  let respond = () => {};
  const { server, sink } = await open((_, response) => {
    respond = () => answer(response, 200);
  });
  const written = sink.write(eventsOf("1"));
  let isClosed = false;
  const closed = sink[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  await vi.waitFor(() => expect(server.received.length).toBe(1), PATIENCE);
  expect(isClosed).toBe(false);
  respond();
  await written;
  await closed;
});

describe("openHttpSink: Retry-After", () => {
  test.each([
    ["seconds", "7", 7000],
    ["seconds above maxRetryAfterMs", "3600", 10_000],
    ["a date", "Thu, 01 Jan 1970 00:01:05 GMT", 5000],
  ])("%s delays the next write", async (_, header, delayMs) => {
    const clock = fakeClock(60_000);
    const { server, sink } = await open(
      (_received, response, call) =>
        call === 1 ? answer(response, 429, "", { "Retry-After": header }) : answer(response, 200),
      { clock, maxRetryAfterMs: 10_000 },
    );
    await expect(sink.write(eventsOf("1"))).rejects.toThrow("status 429");
    const written = sink.write(eventsOf("1"));
    clock.advance(delayMs - 1);
    await new Promise(setImmediate);
    expect(server.received.length).toBe(1);
    clock.advance(1);
    await written;
    expect(server.received.length).toBe(2);
  });

  test.each(["", "soon", "-1", "Thu, 01 Jan 1970 00:00:05 GMT"])("%j delays nothing", async (header) => {
    const { sink } = await open(
      (_, response, call) =>
        call === 1 ? answer(response, 503, "", { "Retry-After": header }) : answer(response, 200),
      { clock: fakeClock(60_000) },
    );
    await expect(sink.write(eventsOf("1"))).rejects.toThrow("status 503");
    await sink.write(eventsOf("1"));
  });

  test("a delay ends with the signal", async () => {
    const { server, sink } = await open((_, response) => answer(response, 503, "", { "Retry-After": "5" }), {
      clock: fakeClock(),
    });
    await expect(sink.write(eventsOf("1"))).rejects.toThrow("status 503");
    const controller = new AbortController();
    const written = sink.write(eventsOf("1"), controller.signal);
    const reason = new Error("given up");
    controller.abort(reason);
    await expect(written).rejects.toBe(reason);
    expect(server.received.length).toBe(1);
  });
});

test("openHttpSink: collect stores all events although the server fails in between", async () => {
  const stored: string[] = [];
  const { sink } = await open((received, response, call) => {
    if (call % 3 === 0) {
      answer(response, 503);
      return;
    }
    stored.push(...uuidsOf(received));
    answer(response, 200);
  });
  const batches = Array.from({ length: 20 }, (_, batch) => eventsOf(`${batch}a`, `${batch}b`));
  await collect(fakeEventSource(batches), {
    outputs: [{ name: "http", sink }],
    maxBatchEvents: 2,
    retry: { initialDelayMs: 0 },
  }).stopped;
  expect(stored).toEqual(batches.flat().map(({ uuid }) => uuid));
});

describe("openHttpSink: arguments", () => {
  test.each(["localhost:8123", "ftp://host/", "", "/flows"])("rejects the URL %j", async (url) => {
    await expect(openHttpSink(url)).rejects.toThrow("url must be an absolute URL with http or https");
  });

  test.each<[HttpSinkOptions, string]>([
    [{ headers: { "Content-Length": "1" } }, "headers.Content-Length: is set by the sink itself"],
    [{ headers: { "a b": "1" } }, "headers.a b: "],
    [{ headers: { a: "secret\n" } }, "headers.a: Invalid character in header content"],
    [{ timeoutMs: 0 }, "timeoutMs: must be an integer from 1"],
    [{ contentType: "a\nb" }, "contentType: Invalid character in header content"],
    [{ idempotencyHeader: "a b" }, "idempotencyHeader: "],
    [{ refusedStatuses: [200] }, "refusedStatuses[0]: must be an integer from 400 to 599"],
  ])("rejects %o", async (options, message) => {
    const error = (await openHttpSink("http://localhost/", options).catch((one: unknown) => one)) as Error;
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("secret");
  });

  test("rejects certificates that cannot be read", async () => {
    await expect(openHttpSink("https://localhost/", { tls: { cert: "not a certificate" } })).rejects.toThrow(
      /^tls: /,
    );
  });
});

import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { RecorderServiceOptions, StartRecordingInit } from "../../src/recorder/index.js";
import { RpcError } from "../../src/recorder/index.js";
import { numbered, WANTED } from "../recorder/packets.js";
import { settle } from "../recorder/sources.js";
import { decodeFile, onlyFile } from "../sink/folder.js";
import { fakeClock } from "../support/fake-clock.js";
import { type RecordClient, recordClient } from "./record-client.js";
import { SERVERS, type TestRecorder, testRecorder } from "./servers.js";

const ANY = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };

/** A start as it is encoded: the init object of a filter also accepts values that are not enum values. */
function start(init: StartRecordingInit = WANTED) {
  return { case: "start", value: init } as Parameters<RecordClient["send"]>[0];
}

const STOP = { case: "stop", value: {} } as const;

/** What is sent before anything comes back, and how the call ends. */
const REFUSALS: readonly {
  readonly name: string;
  readonly send: (client: RecordClient) => void;
  readonly code: string;
  readonly details: string;
  readonly service?: Partial<RecorderServiceOptions>;
}[] = [
  {
    name: "a half-close before the start",
    send: (client) => client.halfClose(),
    code: "FAILED_PRECONDITION",
    details: "failed to receive from recorder client: EOF",
  },
  {
    name: "a stop first",
    send: (client) => client.send(STOP),
    code: "FAILED_PRECONDITION",
    details: 'received invalid request "stop:{}", expected start request',
  },
  {
    name: "an empty request first",
    send: (client) => client.send(undefined),
    code: "INVALID_ARGUMENT",
    details: 'received invalid request "", expected start request',
  },
  ...(
    [
      ["prefix", { ...WANTED, filesink: { filePrefix: "Bad" } }, 'invalid file sink prefix: "Bad"'],
      [
        "prefix of 21 characters",
        { ...WANTED, filesink: { filePrefix: "a".repeat(21) } },
        `invalid file sink prefix: "${"a".repeat(21)}"`,
      ],
      ["no filter", {}, "need to specify at least one include filter"],
      [
        "source CIDR",
        { include: [{ ...ANY, sourceCidr: "1.1.1.1/33" }] },
        'failed to parse source cidr "1.1.1.1/33": invalid CIDR address: 1.1.1.1/33',
      ],
      [
        "destination CIDR, with its own name",
        { include: [{ ...ANY, destinationCidr: "x" }] },
        'failed to parse destination cidr "x": invalid CIDR address: x',
      ],
      [
        "mixed versions",
        { include: [{ ...ANY, destinationCidr: "::/0" }] },
        "source (0.0.0.0/0) and destination cidr (::/0) must be same protocol version",
      ],
      ["source port", { include: [{ ...ANY, sourcePort: 65536 }] }, "source port 65536 out of range"],
      [
        "destination port",
        { include: [{ ...ANY, destinationPort: 70000 }] },
        "destination port 70000 out of range",
      ],
      ["protocol, unlike upstream", { include: [{ ...ANY, protocol: 256 }] }, "protocol 256 out of range"],
      [
        "capture length, unlike upstream",
        { ...WANTED, maxCaptureLength: 262_145 },
        "max capture length 262145 out of range (at most 262144, 0 for all)",
      ],
      [
        "several faults at once, with their paths",
        { filesink: { filePrefix: "X" }, include: [{ ...ANY, sourcePort: 65536 }] },
        'filesink.file_prefix: invalid file sink prefix: "X"; include[0].source_port: source port 65536 out of range',
      ],
    ] as const
  ).map(([name, init, details]) => ({
    name,
    send: (client: RecordClient) => client.send(start(init as StartRecordingInit)),
    code: "INVALID_ARGUMENT",
    details,
  })),
  {
    name: "too many filters",
    service: { limits: { maxFilters: 2 } },
    send: (client) => client.send(start({ include: [ANY, ANY, ANY] })),
    code: "RESOURCE_EXHAUSTED",
    details: "too many include filters: 3 (at most 2)",
  },
  {
    name: "a missing permission",
    service: { authorize: () => false },
    send: (client) => client.send(start()),
    code: "PERMISSION_DENIED",
    details: "not allowed to record",
  },
  {
    name: "an authorization that fails, without its message",
    service: {
      authorize: () => {
        throw new Error("secret");
      },
    },
    send: (client) => client.send(start()),
    code: "PERMISSION_DENIED",
    details: "not allowed to record",
  },
  {
    name: "an authorization with its own code",
    service: { authorize: () => Promise.reject(new RpcError("UNAUTHENTICATED", "who are you?")) },
    send: (client) => client.send(start()),
    code: "UNAUTHENTICATED",
    details: "who are you?",
  },
  {
    name: "a source that cannot be opened",
    service: {
      openSource: () => {
        throw Object.assign(new Error("no capability"), { code: "EPERM" });
      },
    },
    send: (client) => client.send(start()),
    code: "PERMISSION_DENIED",
    details: "no capability",
  },
  {
    name: "a disabled recorder, with upstream's message",
    service: {
      openSource: async () => {
        throw new RpcError(
          "UNAVAILABLE",
          "Ignoring recorder request due to --enable-recorder being disabled in agent",
        );
      },
    },
    send: (client) => client.send(start()),
    code: "UNAVAILABLE",
    details: "Ignoring recorder request due to --enable-recorder being disabled in agent",
  },
  {
    name: "a sink that cannot be opened",
    service: {
      openSink: async () => {
        throw Object.assign(new Error('failed to create pcap file "/x": EACCES'), { code: "EACCES" });
      },
    },
    send: (client) => client.send(start()),
    code: "PERMISSION_DENIED",
    details: 'failed to create pcap file "/x": EACCES',
  },
  {
    name: "a disk without space for a header",
    service: { limits: { maxStoredBytes: 20 } },
    send: (client) => client.send(start()),
    code: "RESOURCE_EXHAUSTED",
    details: "recordings may hold 20 bytes together, and hold 0",
  },
  {
    name: "a folder that is full",
    service: { limits: { maxStoredBytes: 1000 }, storedBytes: async () => 999 },
    send: (client) => client.send(start()),
    code: "RESOURCE_EXHAUSTED",
    details: "recordings may hold 1000 bytes together, and hold 999",
  },
];

/** What is done while a recording runs, and how the call ends; the file stays, whole. */
const ENDINGS: readonly {
  readonly name: string;
  readonly act: (client: RecordClient, recorder: TestRecorder) => void;
  readonly code: string;
  readonly details: string;
  readonly service?: Partial<RecorderServiceOptions>;
}[] = [
  {
    name: "a second start",
    act: (client) => client.send(start({ include: [{ ...ANY, sourcePort: 1, protocol: 6 }] })),
    code: "FAILED_PRECONDITION",
    details:
      'received invalid request "start:{include:{source_cidr:\\"0.0.0.0/0\\" source_port:1 destination_cidr:\\"0.0.0.0/0\\" protocol:PROTOCOL_TCP}}", expected stop request',
  },
  {
    name: "an empty request",
    act: (client) => client.send(undefined),
    code: "INVALID_ARGUMENT",
    details: 'received invalid request "", expected stop request',
  },
  {
    name: "a half-close",
    act: (client) => client.halfClose(),
    code: "FAILED_PRECONDITION",
    details: "failed to receive from recorder client: EOF",
  },
  {
    name: "a cancelled call",
    act: (client) => client.cancel(),
    code: "CANCELLED",
    details: "Cancelled on client",
  },
  {
    name: "a source that fails",
    act: (_, { sources }) => sources[0]?.fail(new Error("eth0 is gone")),
    code: "INTERNAL",
    details: "recorder recording error: eth0 is gone",
  },
  {
    name: "an interface that goes down",
    act: (_, { sources }) => sources[0]?.fail(Object.assign(new Error("eth0 is down"), { code: "ENETDOWN" })),
    code: "UNAVAILABLE",
    details: "recorder recording error: eth0 is down",
  },
  {
    name: "more bytes than all recordings may hold",
    service: { limits: { maxStoredBytes: 24 + 3 * 62 } },
    act: (_, { sources }) => sources[0]?.push(numbered(1)),
    code: "RESOURCE_EXHAUSTED",
    details: "recorder recording error: recordings may hold 210 bytes together, and hold 210",
  },
];

describe.each(Object.entries(SERVERS))(
  "openRecorderServer: the Record call of grpc-js over %s",
  (_server, serve) => {
    test.each(REFUSALS)("rejects $name", async ({ send, code, details, service }) => {
      await using recorder = await testRecorder(service);
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      send(client);
      expect(await client.ended).toEqual({ code, details });
      expect(await client.next()).toBe(undefined);
      expect(readdirSync(recorder.folder)).toEqual([]);
      await settle();
      expect(recorder.service.counters).toMatchObject({
        calls: 0,
        running: 0,
        refused: 1,
        stopped: 0,
        failed: 0,
      });
      expect(recorder.closed.size).toBe(recorder.sources.length);
    });

    test.each(ENDINGS)("fails while recording: $name", async ({ act, code, details, service }) => {
      await using recorder = await testRecorder(service);
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send(start());
      await client.next();
      recorder.sources[0]?.push(numbered(3));
      await client.untilPackets(3);
      act(client, recorder);
      expect(await client.ended).toEqual({ code, details });
      while (recorder.service.counters.calls > 0) await settle();
      await server.close();
      const { ids } = await decodeFile(await onlyFile(recorder.folder));
      expect(ids).toEqual([0, 1, 2]);
      expect(recorder.closed.size).toBe(1);
      expect(recorder.service.counters).toMatchObject({ running: 0, failed: 1, packetsCaptured: 3 });
    });

    test("responds to a start with empty statistics, to changes with new ones, to a stop with the final ones", async () => {
      const clock = fakeClock(1_700_000_000_000);
      await using recorder = await testRecorder({ clock });
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send(start());
      const zeros = { bytesCaptured: 0n, packetsCaptured: 0n, packetsLost: 0n, bytesLost: 0n };
      expect(await client.next()).toMatchObject({
        nodeName: "prod/node1",
        time: { seconds: 1_700_000_000n },
        responseType: { case: "running", value: { stats: zeros } },
      });
      recorder.sources[0]?.push(numbered(2));
      recorder.sources[0]?.drop(5);
      expect(await client.next()).toMatchObject({
        responseType: {
          case: "running",
          value: { stats: { packetsCaptured: 2n, bytesCaptured: 92n, packetsLost: 5n } },
        },
      });
      recorder.sources[0]?.push(numbered(4, 2));
      client.send(STOP);
      client.send(STOP); // Upstream panics.
      let last = await client.next();
      while (last?.responseType.case === "running") last = await client.next();
      const path = await onlyFile(recorder.folder);
      expect(last?.responseType).toMatchObject({
        case: "stopped",
        value: {
          stats: { packetsCaptured: 6n, bytesCaptured: 276n, packetsLost: 5n },
          filesink: { filePath: path },
        },
      });
      expect(path).toMatch(/\/hubble_1700000000_\d+_prod_node1\.pcap$/);
      expect(await client.ended).toMatchObject({ code: "OK" });
      expect((await decodeFile(path)).ids).toEqual([0, 1, 2, 3, 4, 5]);
      expect(recorder.service.counters).toMatchObject({ running: 0, stopped: 1, failed: 0, refused: 0 });
      expect(clock.pending).toBe(0);
    });

    test("responds once a second to an idle recording", async () => {
      const clock = fakeClock();
      await using recorder = await testRecorder({ clock });
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send(start());
      for (let second = 0; second < 3; second++) {
        expect(await client.next()).toMatchObject({
          time: { seconds: BigInt(second) },
          responseType: { case: "running" },
        });
        while (clock.pending === 0) await settle();
        await settle();
        clock.advance(1000);
      }
      client.cancel();
    });

    test.each([
      { limit: "packets", stopCondition: { packetsCapturedCount: 2n } },
      { limit: "bytes", stopCondition: { bytesCapturedCount: 47n } },
    ])("stops at a limit of $limit, exceeded by less than a packet", async ({ stopCondition }) => {
      await using recorder = await testRecorder();
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send(start({ ...WANTED, stopCondition }));
      await client.next();
      recorder.sources[0]?.push(numbered(5));
      let last = await client.next();
      while (last?.responseType.case === "running") last = await client.next();
      expect(last?.responseType).toMatchObject({
        case: "stopped",
        value: { stats: { packetsCaptured: 2n } },
      });
      expect(await client.ended).toMatchObject({ code: "OK" });
    });

    test("stops at the time limit; at once for a negative one", async () => {
      const clock = fakeClock();
      await using recorder = await testRecorder({ clock });
      await using server = await serve(recorder.service);
      for (const { seconds, advance } of [
        { seconds: 7n, advance: 7000 },
        { seconds: -1n, advance: 0 },
      ]) {
        using client = recordClient(server.address);
        client.send(start({ ...WANTED, stopCondition: { timeElapsed: { seconds } } }));
        await client.next();
        clock.advance(advance);
        expect(await client.ended).toMatchObject({ code: "OK" });
      }
    });

    test("stops at the deadline of the client, and keeps the file", async () => {
      await using recorder = await testRecorder();
      await using server = await serve(recorder.service);
      using client = recordClient(server.address, { deadlineMs: 150 });
      client.send(start());
      expect(await client.ended).toMatchObject({ code: "DEADLINE_EXCEEDED" });
      await server.close();
      expect(await decodeFile(await onlyFile(recorder.folder))).toMatchObject({ ids: [] });
    });

    test("responds DEADLINE_EXCEEDED to a client without a start request", async () => {
      const clock = fakeClock();
      await using recorder = await testRecorder({ clock, limits: { startTimeoutMs: 5000 } });
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      while (recorder.service.counters.calls === 0) await settle();
      while (clock.pending === 0) await settle();
      clock.advance(5000);
      expect(await client.ended).toEqual({
        code: "DEADLINE_EXCEEDED",
        details: "no start request within 5000 ms",
      });
    });

    test("rejects a request above the size limit", async () => {
      await using recorder = await testRecorder({ limits: { maxMessageBytes: 1000 } });
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send(start({ filesink: { filePrefix: "a".repeat(1001) } }));
      expect(await client.ended).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    });

    test("rejects bytes that do not decode", async () => {
      await using recorder = await testRecorder();
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.sendBytes(Uint8Array.of(0x0a, 0xff));
      expect((await client.ended).code).toMatch(/^(INVALID_ARGUMENT|INTERNAL)$/);
    });

    test("rejects recordings above maxRecordings until one has ended", async () => {
      await using recorder = await testRecorder({ limits: { maxRecordings: 1 } });
      await using server = await serve(recorder.service);
      using first = recordClient(server.address);
      first.send(start());
      await first.next();
      using second = recordClient(server.address);
      second.send(start());
      expect(await second.ended).toEqual({
        code: "RESOURCE_EXHAUSTED",
        details: "unable to allocate capture rule id: at most 1 recordings at once",
      });
      first.send(STOP);
      let last = await first.next();
      while (last?.responseType.case === "running") last = await first.next();
      using third = recordClient(server.address);
      third.send(start());
      expect((await third.next())?.responseType.case).toBe("running");
      third.cancel();
    });

    test("a shutdown stops recordings, and rejects new ones", async () => {
      await using recorder = await testRecorder();
      const server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send(start());
      await client.next();
      using idle = recordClient(server.address);
      while (recorder.service.counters.calls < 2) await settle();
      recorder.sources[0]?.push(numbered(3));
      const closing = server.close();
      let last = await client.next();
      while (last?.responseType.case === "running") last = await client.next();
      expect(last?.responseType).toMatchObject({
        case: "stopped",
        value: { stats: { packetsCaptured: 3n } },
      });
      expect(await client.ended).toMatchObject({ code: "OK" });
      expect(await idle.ended).toEqual({ code: "UNAVAILABLE", details: "the recorder is shutting down" });
      await closing;
    });
  },
);

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { RecordRequestSchema } from "../../src/gen/recorder/recorder_pb.js";
import { createRecorderService } from "../../src/recorder/index.js";
import { folderBytes, openRecorderServer, openTransport, recordRemote } from "../../src/rpc/index.js";
import { fileSink } from "../../src/sink/file.js";
import { numbered, WANTED } from "../recorder/packets.js";
import { controlledSource, settle } from "../recorder/sources.js";
import { decodeFile, onlyFile, openFilesIn, temporaryFolder } from "../sink/folder.js";
import { fakeClock } from "../support/fake-clock.js";
import { run } from "../support/run.js";
import { describeUnless, describeWithPrograms } from "../support/shared.js";
import { tinyDisk, whyNoDisk } from "../support/tiny-disk.js";
import { recordClient } from "./record-client.js";
import { SERVERS, testRecorder } from "./servers.js";

const FILES_AT_A_TIME = 1000;

/** How many packets capinfos, an independent reader, finds in the files of a folder. */
function packetsByCapinfos(folder: string): number[] {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  const counts: number[] = [];
  for (let at = 0; at < paths.length; at += FILES_AT_A_TIME) {
    const printed = run("capinfos", ["-M", "-c", "-T", "-r", ...paths.slice(at, at + FILES_AT_A_TIME)]);
    for (const line of printed.trim().split("\n")) counts.push(Number(line.split("\t")[1]));
  }
  return counts;
}

describeWithPrograms("openRecorderServer: files read by capinfos", ["capinfos"], () => {
  test.each(Object.entries(SERVERS))("64 recordings at once, over %s", async (_name, serve) => {
    await using recorder = await testRecorder();
    await using server = await serve(recorder.service);
    await using transport = openTransport(server.address);
    const recordings = Array.from({ length: 64 }, () => recordRemote(transport, WANTED));
    await Promise.all(recordings.map(({ started }) => started));
    expect(recorder.service.counters.running).toBe(64);
    for (let round = 0; round < 10; round++) {
      recorder.sources.forEach((source, index) => {
        source.push(numbered(index + 1));
        source.drop(1);
      });
      await settle();
    }
    for (const recording of recordings) recording.stop();
    const results = await Promise.all(recordings.map(({ stopped }) => stopped));
    const wanted = Array.from({ length: 64 }, (_, index) => 10 * (index + 1));
    const byCount = (one: number, other: number) => one - other;
    expect(results.map(({ stats }) => stats.packetsCaptured).sort(byCount)).toEqual(wanted);
    expect(results.map(({ stats }) => stats.packetsLost)).toEqual(wanted.map(() => 10));
    expect(packetsByCapinfos(recorder.folder).sort(byCount)).toEqual(wanted);
    expect(recorder.service.counters).toMatchObject({
      ...{ calls: 0, running: 0, stopped: 64, failed: 0, refused: 0 },
      ...{ packetsCaptured: 20_800, packetsLostInKernel: 640, packetsLostInQueue: 0 },
    });
    expect(openFilesIn(recorder.folder)).toEqual([]);
  });

  test("10,000 recordings in sequence leave no sources, files or memory", async () => {
    await using recorder = await testRecorder({ limits: { maxRecordings: 1 } });
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
    await using transport = openTransport(server.address);
    const heap: number[] = [];
    for (let index = 0; index < 10_000; index++) {
      const start = { ...WANTED, stopCondition: { packetsCapturedCount: 2n } };
      const recording = recordRemote(transport, start);
      await recording.started;
      recorder.sources.at(-1)?.push(numbered(3));
      const { stats } = await recording.stopped;
      if (stats.packetsCaptured !== 2)
        throw new Error(`${stats.packetsCaptured} packets in recording ${index}`);
      // The list of sources of this test is not a leak.
      (recorder.sources as unknown[]).length = 0;
      (recorder.closed as Set<unknown>).clear();
      if (index % 1000 === 999) {
        globalThis.gc?.();
        heap.push(process.memoryUsage().heapUsed);
      }
    }
    expect(recorder.service.counters).toMatchObject({
      ...{ calls: 0, running: 0, stopped: 10_000, failed: 0, refused: 0 },
      ...{ packetsCaptured: 20_000, bytesCaptured: 920_000 },
    });
    expect(openFilesIn(recorder.folder)).toEqual([]);
    expect(await folderBytes(recorder.folder)).toBe(10_000 * (24 + 2 * 62));
    expect(packetsByCapinfos(recorder.folder)).toEqual(Array.from({ length: 10_000 }, () => 2));
    // Without --expose-gc the size of the heap varies; a leak per call would still be visible.
    expect(heap.at(-1)! - heap[1]!).toBeLessThan(64 * 2 ** 20);
  });
});

describe("openRecorderServer: a slow client", () => {
  test.each(Object.entries(SERVERS))("receives the newest statistics only, over %s", async (_name, serve) => {
    await using recorder = await testRecorder();
    await using server = await serve(recorder.service);
    // An HTTP/2 window that is smaller than the responses to 5,000 changes.
    using client = recordClient(server.address);
    client.send({ case: "start", value: WANTED } as never);
    await client.next();
    for (let count = 0; count < 5000; count++) recorder.sources[0]?.push(numbered(1));
    while (recorder.service.counters.packetsCaptured < 5000) await settle();
    client.send({ case: "stop", value: {} } as never);
    let running = 0;
    let last = await client.next();
    for (; last?.responseType.case === "running"; last = await client.next()) running++;
    expect(last?.responseType.value?.stats?.packetsCaptured).toBe(5000n);
    expect(running).toBeLessThan(5000);
  });

  test("that does not read at all is disconnected, and its file is complete", async () => {
    await using folder = await temporaryFolder();
    const clock = fakeClock();
    const source = controlledSource();
    const service = createRecorderService({
      nodeName: "n",
      clock,
      openSource: async () => source,
      openSink: fileSink(folder.path),
      limits: { readTimeoutMs: 60_000 },
    });
    const requests = async function* () {
      yield create(RecordRequestSchema, { requestType: { case: "start", value: WANTED as never } });
      await new Promise(() => {});
    };
    const responses = service.record(requests());
    await responses.next();
    source.push(numbered(3));
    await settle();
    clock.advance(60_000);
    await settle();
    expect(service.counters.packetsCaptured).toBe(3);
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual([0, 1, 2]);
    expect(openFilesIn(folder.path)).toEqual([]);
    await expect(responses.next()).rejects.toMatchObject({ status: "DEADLINE_EXCEEDED" });
  });
});

const PROGRAM = join(import.meta.dirname, "remote-program.ts");

function startProgram(...args: string[]): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  return spawn(process.execPath, ["--import", "tsx", PROGRAM, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  }) as ChildProcess & { readonly stdout: NodeJS.ReadableStream };
}

describe("openRecorderServer, recordRemote: kill -9", () => {
  test("of the client: the recording ends with a complete file", async () => {
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
    const client = startProgram("record", server.address);
    while (recorder.sources.length === 0) await settle();
    recorder.sources[0]?.push(numbered(3));
    await once(client.stdout, "data");
    client.kill("SIGKILL");
    while (recorder.service.counters.calls > 0) await settle();
    expect(recorder.service.counters).toMatchObject({ failed: 1, packetsCaptured: 3 });
    expect((await decodeFile(await onlyFile(recorder.folder))).ids).toEqual([0, 1, 2]);
    expect(openFilesIn(recorder.folder)).toEqual([]);
  });

  test("of the server: the client gets an error, and the file has complete records", async () => {
    await using folder = await temporaryFolder();
    const server = startProgram("serve", folder.path);
    const [line] = await once(server.stdout, "data");
    await using transport = openTransport(String(line).trim());
    const recording = recordRemote(transport, WANTED);
    for await (const { packetsCaptured } of recording.updates)
      if (packetsCaptured === 3) server.kill("SIGKILL");
    await expect(recording.stopped).rejects.toMatchObject({ code: "rpc_failed", status: "UNAVAILABLE" });
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual([0, 1, 2]);
  });
});

describeUnless("openRecorderServer: a full disk", whyNoDisk(), () => {
  test.each(Object.entries(SERVERS))(
    "fails the recording with RESOURCE_EXHAUSTED, over %s",
    async (_name, serve) => {
      using disk = tinyDisk();
      await using recorder = await testRecorder({ folder: disk.path });
      await using server = await serve(recorder.service);
      using client = recordClient(server.address);
      client.send({ case: "start", value: WANTED } as never);
      await client.next();
      for (let first = 0; first < 2000; first += 50) recorder.sources[0]?.push(numbered(50, first));
      const { code, details } = await client.ended;
      expect(code).toBe("RESOURCE_EXHAUSTED");
      const path = await onlyFile(disk.path);
      expect(details).toContain(`recorder recording error: write ${path}: ENOSPC`);
      const { ids } = await decodeFile(path);
      const { packetsCaptured, packetsLostInQueue } = recorder.service.counters;
      expect(ids.length).toBeGreaterThanOrEqual(packetsCaptured);
      expect(packetsLostInQueue).toBe(50);
    },
  );
});

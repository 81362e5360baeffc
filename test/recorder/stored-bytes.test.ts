import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type RecordRequest,
  RecordRequestSchema,
  StartRecordingSchema,
} from "../../src/gen/recorder/recorder_pb.js";
import { type CaptureInterface, createBatch, fromBatches, type PacketBatch } from "../../src/packet/index.js";
import { createRecorderService, type OpenSink } from "../../src/recorder/index.js";
import { folderBytes } from "../../src/rpc/folder-bytes.js";
import { type FileSinkOptions, fileSink } from "../../src/sink/file.js";
import { temporaryFolder } from "../sink/folder.js";
import { fakeClock } from "../support/fake-clock.js";
import { ETHERNET, packetBytes, WANTED } from "./packets.js";
import { memorySink } from "./sinks.js";

const LIMIT_BYTES = 10_000;
const PACKETS = 500;

async function* starting(): AsyncGenerator<RecordRequest, void, undefined> {
  const value = create(StartRecordingSchema, WANTED as never);
  yield create(RecordRequestSchema, { requestType: { case: "start", value } });
  await new Promise(() => {});
}

/** Packets in batches of one, each with a comment, and each from an interface of its own. */
function richSource() {
  const interfaces: CaptureInterface[] = [];
  function* batches(): Generator<PacketBatch> {
    for (let interfaceId = 0; interfaceId < PACKETS; interfaceId++) {
      interfaces.push({ ...ETHERNET, name: `eth${interfaceId}`, description: "x".repeat(50) });
      yield createBatch({ ...ETHERNET, interfaceId }, [
        { bytes: packetBytes({ id: interfaceId }), comments: ["a comment"] },
      ]);
    }
  }
  return fromBatches(batches(), interfaces);
}

/** Packets in batches of one, from one interface. */
function plainSource(packets: number) {
  const batches = Array.from({ length: packets }, (_, id) =>
    createBatch(ETHERNET, [{ bytes: packetBytes({ id }) }]),
  );
  return fromBatches(batches, ETHERNET);
}

/** Records until the end; what became of the call, and what the service counts. */
async function recorded(
  openSink: OpenSink,
  openSource: typeof plainSource | typeof richSource,
  packets = PACKETS,
) {
  const service = createRecorderService({
    nodeName: "n",
    clock: fakeClock(),
    openSource: async () => openSource(packets),
    openSink,
    limits: { maxStoredBytes: LIMIT_BYTES },
  });
  let failure: unknown;
  try {
    for await (const _ of service.record(starting()));
  } catch (error) {
    failure = error;
  }
  return { failure, storedBytes: service.counters.storedBytes };
}

describe("maxStoredBytes", () => {
  test.each<{ name: string; options: FileSinkOptions; source: typeof plainSource | typeof richSource }>([
    { name: "pcap", options: {}, source: plainSource },
    { name: "pcapng", options: { fileFormat: "pcapng" }, source: plainSource },
    { name: "pcapng with comments and interfaces", options: { fileFormat: "pcapng" }, source: richSource },
    {
      name: "rotated pcapng",
      options: { fileFormat: "pcapng", rotation: { maxBytes: 1000 } },
      source: plainSource,
    },
  ])("counts the bytes of the files exactly, and they stay below it: $name", async ({ options, source }) => {
    await using folder = await temporaryFolder();
    const { failure, storedBytes } = await recorded(fileSink(folder.path, options), source);
    expect(failure).toMatchObject({ status: "RESOURCE_EXHAUSTED" });
    expect(await folderBytes(folder.path)).toBe(storedBytes);
    expect(storedBytes).toBeLessThanOrEqual(LIMIT_BYTES);
    // No packet more had room: with its comment and its interface it takes less than 300 bytes.
    expect(storedBytes).toBeGreaterThan(LIMIT_BYTES - 300);
  });

  test("counts the bytes that closing a pcapng file writes", async () => {
    await using folder = await temporaryFolder();
    const { failure, storedBytes } = await recorded(
      fileSink(folder.path, { fileFormat: "pcapng" }),
      plainSource,
      10,
    );
    expect(failure).toBeUndefined();
    expect(await folderBytes(folder.path)).toBe(storedBytes);
  });

  test("releases the bytes of files that a ring removes", async () => {
    await using folder = await temporaryFolder();
    const rotation = { maxBytes: 1000, ringFiles: 3 };
    const { failure, storedBytes } = await recorded(fileSink(folder.path, { rotation }), plainSource);
    expect(failure).toBeUndefined();
    expect(await folderBytes(folder.path)).toBe(storedBytes);
    expect(storedBytes).toBeLessThanOrEqual(3000);
  });

  test("counts pcap sizes for a sink that does not account for its bytes", async () => {
    const { failure, storedBytes } = await recorded(memorySink().open, plainSource, 10);
    expect(failure).toBeUndefined();
    expect(storedBytes).toBe(24 + 10 * (16 + packetBytes({ id: 0 }).length));
  });

  test("releases all bytes when the sink does not open", async () => {
    const openSink: OpenSink = async ({ storage }) => {
      storage?.reserve(5000);
      throw new Error("no space");
    };
    expect(await recorded(openSink, plainSource)).toMatchObject({ storedBytes: 0 });
  });
});

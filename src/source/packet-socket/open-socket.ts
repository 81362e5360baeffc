import { FlowscribeError } from "../../errors/errors.js";
import type { KeptPackets } from "../../packet/kept-packets.js";
import { LINKTYPE_ETHERNET } from "../../packet/link-type.js";
import type { CaptureInterface } from "../../packet/source.js";
import { DeviceCapture } from "../device/capture.js";
import { Readiness } from "../device/readiness.js";
import type { CapturePlan } from "../libpcap/plan.js";
import { createLiveSource, type LiveSource } from "../live-source.js";
import type { Device, Kernel, Memory, PacketSocket } from "../native/kernel.js";
import type { Koffi } from "../native/koffi.js";
import { BLOCK_HEADER_LENGTH } from "./block-layout.js";
import { BlockQueue } from "./block-queue.js";
import { BatchReader, KeptReader } from "./block-readers.js";
import type { Framing } from "./frame-block.js";

/** Holds the longest packet that is captured, 262,144 bytes, and is a multiple of the page size of x64 and arm64. */
const BLOCK_BYTES = 512 * 1024;
/** Fewer would leave the kernel nothing to fill while blocks are read. */
const MIN_BLOCKS = 4;

/** What was found out about a device before its socket is opened. */
export interface SocketTarget {
  readonly interface: Device;
  /** The classic BPF program that returns how many bytes of a packet to capture. */
  readonly program: Uint8Array;
}

/** Opens the socket, and creates a source that owns it. @throws SystemError */
export async function openSocket(
  koffi: Koffi,
  kernel: Kernel,
  plan: CapturePlan,
  keepBytes: number,
  target: SocketTarget,
): Promise<LiveSource> {
  const reserve = Math.max(MIN_BLOCKS, Math.ceil(plan.bufferBytes / BLOCK_BYTES));
  // One more for kept packets that must move.
  const kept = keepBytes === 0 ? 0 : 1 + Math.ceil(keepBytes / BLOCK_BYTES);
  const layout = { blockBytes: BLOCK_BYTES, blocks: reserve + kept };
  const bytes = layout.blockBytes * layout.blocks;
  const socket = kernel.packetSocket();
  let memory: Memory | undefined;
  try {
    // Before the socket receives anything.
    socket.setFilter(target.program);
    await socket.allocate({ ...layout, timeoutMs: plan.timeoutMs });
    memory = kernel.reserveMemory(bytes);
    memory.map(0, bytes, socket.descriptor, 0, "write");
    await socket.bind(target.interface.index, plan.promiscuous);
    return createSocketSource(koffi, socket, memory, new BlockQueue(memory.buffer, layout), plan, reserve);
  } catch (error) {
    memory?.release();
    await socket.close();
    throw error;
  }
}

function createSocketSource(
  koffi: Koffi,
  socket: PacketSocket,
  memory: Memory,
  queue: BlockQueue,
  plan: CapturePlan,
  reserve: number,
): LiveSource {
  const { device, keptLength, capturedLength, wanted, expression, timeoutMs, signal } = plan;
  const resolution = plan.nanoseconds ? "ns" : "us";
  const format = { linkType: LINKTYPE_ETHERNET, resolution, snapLength: keptLength, interfaceId: 0 } as const;
  const framing: Framing = { format, capturedLength, wanted, keptLength };
  const held = new HeldMemory(memory);
  const isGone = () => {
    if (socket.isClosed) return false;
    socket.clearError();
    return socket.isUnbound();
  };
  let dropped = 0;
  const capture = new DeviceCapture({
    handle: {
      failure: () => new FlowscribeError("device_gone", `${device} was removed while it was captured from`),
      dropped: () => {
        if (!socket.isClosed) dropped += socket.takeDropped();
        return dropped;
      },
      close: async () => {
        await socket.close();
        held.release();
      },
    },
    reader: new BatchReader(queue, framing, isGone, memory.createView()),
    readiness: new Readiness(koffi, socket.descriptor),
    bufferBytes: queue.memory.length,
    timeoutMs,
    signal,
  });
  const description: CaptureInterface = {
    linkType: format.linkType,
    resolution,
    snapLength: keptLength,
    name: device,
    ...(expression !== undefined && { filter: expression }),
  };
  const keepPackets = (bytes: number): Omit<KeptPackets, "leave"> | undefined => {
    if (bytes > (queue.blocks - reserve - 1) * queue.blockBytes) return undefined;
    const reader = new KeptReader(queue, framing, isGone);
    const release = held.hold();
    return {
      format,
      memory: queue.memory,
      blockBytes: queue.blockBytes,
      blocks: queue.blocks,
      reserve,
      recordsBegin: BLOCK_HEADER_LENGTH,
      next: () => capture.pullFrom(reader),
      frame: (index) => reader.frame(index),
      release: (index) => queue.release(index),
      reclaim: (index) => queue.reclaim(index),
      close: release,
    };
  };
  return createLiveSource(capture, description, plan.include !== undefined, keepPackets);
}

/** The memory of the socket, which the source and a reader of kept packets hold. It outlives the socket. */
class HeldMemory {
  readonly #memory: Memory;
  #holders = 1;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Returns a function that ends the hold; further calls have no effect. */
  hold(): () => void {
    let isHeld = true;
    this.#holders++;
    return () => {
      if (isHeld) this.release();
      isHeld = false;
    };
  }

  release(): void {
    this.#holders--;
    if (this.#holders === 0) this.#memory.release();
  }
}

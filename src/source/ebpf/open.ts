import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { anInteger, aSignal, aString, checkedElsewhere, oneOf } from "../../errors/value-checks.js";
import type { PacketFilterInit } from "../../packet/filter-check.js";
import { LINKTYPE_ETHERNET, LINKTYPE_RAW, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import type { LiveSource } from "../live-source.js";
import {
  bindKernel,
  type Descriptor,
  type Device,
  type Kernel,
  type Memory,
  SystemError,
} from "../native/kernel.js";
import { type Koffi, loadKoffi } from "../native/koffi.js";
import { type Attachment, captureSource, type OpenCapture } from "./capture.js";
import { attachByClsact } from "./clsact.js";
import { planFilters } from "./filter-plan.js";
import { type Circumstances, isBefore, openError, TCX_KERNEL } from "./open-error.js";
import { compileProgram, MIN_WINDOW } from "./program.js";
import { layOutRing, longestCopy, MAX_RING_BYTES, MIN_RING_BYTES, type RingLayout } from "./ring-layout.js";
import { RingReader } from "./ring-reader.js";

/** What is captured, and how. */
export interface EbpfOptions {
  /** Packets that match any of these filters, and no others; the source is then `filtered`. Default: every packet. */
  readonly include?: readonly PacketFilterInit[];
  /** Bytes to capture of a packet, at most 262,144; 0 (default) for all of them. */
  readonly snapLength?: number;
  /** As seen by the interface: `ingress` for what it receives, `egress` for what it sends; default `both`. */
  readonly direction?: "ingress" | "egress" | "both";
  /**
   * Size of the buffer between the kernel and this process, 128 KiB to 256 MiB, rounded up to a power of two and to four
   * of the largest packets for every processor. What does not fit is dropped, and counted in `stats().dropped`. Default
   * {@link DEFAULT_BUFFER_BYTES}.
   */
  readonly bufferBytes?: number;
  /** "Give up", while opening and afterwards: what is being waited for rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** A live capture. */
export type EbpfSource = LiveSource;

/** Default size of the buffer: 20,000 full frames. */
export const DEFAULT_BUFFER_BYTES: number = 32 * 1024 * 1024;

// include/uapi/linux/if_arp.h
const ETHERNET_HARDWARE = [1, 772];
/** Devices without a link header: NONE (tun, WireGuard), RAWIP, and the tunnels of IP in IP and of IPv6 in IPv4. */
const RAW_HARDWARE = [0xfffe, 519, 768, 769, 776];

/** Less than this is cut from a packet here, as the program puts VLAN tags back at offset 12. */
const MIN_COPY_LENGTH = 64;

const EBPF_OPTIONS: OptionTable<EbpfOptions> = {
  // Checked when they are compiled.
  include: checkedElsewhere,
  snapLength: anInteger(0, MAX_CAPTURED_LENGTH),
  direction: oneOf("ingress", "egress", "both"),
  bufferBytes: anInteger(MIN_RING_BYTES, MAX_RING_BYTES),
  signal: aSignal,
};

/** What only tests ask for. */
export interface TestOptions {
  readonly importKoffi?: () => Promise<unknown>;
  readonly circumstances?: Partial<Circumstances>;
}

/** `openEbpf`, with what tests need. Does not wait after koffi is loaded. */
export async function open(
  device: string,
  options: EbpfOptions = {},
  { importKoffi, circumstances = {} }: TestOptions = {},
): Promise<EbpfSource> {
  checkArgument("openEbpf", "device", device, aString);
  checkOptions("openEbpf", options, EBPF_OPTIONS);
  const { include, signal } = options;
  // Faults of the caller come before what the machine lacks.
  if (include !== undefined) planFilters(include);
  signal?.throwIfAborted();
  const koffi = await loadKoffi(importKoffi);
  signal?.throwIfAborted();
  const kernel = bindKernel(koffi);
  const given = { ...findCircumstances(), ...circumstances };
  try {
    return startCapture(openCapture(koffi, kernel, device, options, given.release));
  } catch (error) {
    if (error instanceof SystemError) throw openError(device, error, given);
    throw error;
  }
}

function startCapture(capture: OpenCapture): EbpfSource {
  try {
    return captureSource(capture);
  } catch (error) {
    for (const { detach } of capture.attachments) detach();
    capture.release();
    throw error;
  }
}

function openCapture(
  koffi: Koffi,
  kernel: Kernel,
  name: string,
  options: EbpfOptions,
  kernelRelease: string,
): OpenCapture {
  const { include, snapLength = 0, bufferBytes = DEFAULT_BUFFER_BYTES, direction = "both", signal } = options;
  const device = findDevice(kernel, name);
  const layer = layerOf(name, device);
  const processors = countProcessors();
  const longest = longestCopy(processors);
  const keptLength = snapLength === 0 ? longest : Math.min(snapLength, longest);
  const copyLength = Math.max(keptLength, MIN_COPY_LENGTH);
  const ring = layOutRing(bufferBytes, copyLength, processors);
  const linkType = layer === 2 ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
  const format = { linkType, resolution: "ns", snapLength: keptLength, interfaceId: 0 } as const;
  const held = new Held(kernel);
  const attachments: Attachment[] = [];
  try {
    const memory = held.memory(kernel.takeMemory(ring.totalBytes + 2 * kernel.pageBytes));
    const maps = mapRing(kernel, held, memory, ring);
    const reader = new RingReader(memory.buffer, memory.createView(), ring, format);
    reader.clockOffset = kernel.clockOffset();
    let tables: Descriptor | undefined;
    const hooks = hooksOf(direction, device).map((hook) => {
      const parts = { arriving: hook === "ingress", copyLength, ring };
      const window = Math.max(keptLength, MIN_WINDOW);
      const compiled = compileProgram(include, { layer, window, answer: { kind: "capture", parts } });
      // The same for both hooks.
      if (compiled.tables.length > 0)
        tables ??= held.own(kernel.createConstantMap("flowscribe_tab", compiled.tables));
      const descriptors = { ...maps, ...(tables !== undefined && { tables }) };
      const program = held.own(kernel.loadProgram("flowscribe", compiled.program.encode(descriptors)));
      return { hook, program };
    });
    for (const { hook, program } of hooks) {
      attachments.push(attach(kernel, program, { name, index: device.index }, hook, kernelRelease));
    }
    return {
      koffi,
      kernel,
      device: name,
      reader,
      wake: {
        descriptor: maps.wake,
        positions: new BigInt64Array(memory.buffer, ring.totalBytes),
        pageBytes: kernel.pageBytes,
      },
      attachments,
      format,
      filtered: include !== undefined,
      cutTo: keptLength < copyLength ? keptLength : undefined,
      signal,
      release: () => held.release(),
    };
  } catch (error) {
    for (const { detach } of attachments) detach();
    held.release();
    throw error;
  }
}

/** By a link where the kernel has them, else by a filter. */
function attach(
  kernel: Kernel,
  program: Descriptor,
  { name, index }: { readonly name: string; readonly index: number },
  hook: "ingress" | "egress",
  kernelRelease: string,
): Attachment {
  if (isBefore(kernelRelease, TCX_KERNEL)) {
    return {
      detach: attachByClsact(kernel, program, index, hook),
      isGone: () => !hasDevice(kernel, name, index),
      lingers: true,
    };
  }
  const link = kernel.attach(program, index, hook);
  return { detach: () => kernel.close(link), isGone: () => isDetached(kernel, link), lingers: false };
}

/** Kernels that cannot tell count as those that say no. */
function isDetached(kernel: Kernel, link: Descriptor): boolean {
  try {
    return kernel.deviceOfLink(link) === 0;
  } catch {
    return false;
  }
}

function hasDevice(kernel: Kernel, name: string, index: number): boolean {
  try {
    return kernel.device(name).index === index;
  } catch (error) {
    return !(error instanceof SystemError && error.code === "ENODEV");
  }
}

/** What has been opened so far, to be given back together. */
class Held {
  readonly #kernel: Kernel;
  readonly #descriptors: Descriptor[] = [];
  #memory: Memory | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  own(descriptor: Descriptor): Descriptor {
    this.#descriptors.push(descriptor);
    return descriptor;
  }

  memory(memory: Memory): Memory {
    this.#memory = memory;
    return memory;
  }

  release(): void {
    try {
      this.#memory?.release();
    } finally {
      for (const descriptor of this.#descriptors.splice(0)) this.#kernel.close(descriptor);
    }
  }
}

/** Behind the ring's value come the two pages in which a BPF ring buffer has its positions. */
function mapRing(
  kernel: Kernel,
  held: Held,
  memory: Memory,
  { totalBytes }: RingLayout,
): { readonly ring: Descriptor; readonly wake: Descriptor } {
  const { pageBytes } = kernel;
  const ring = held.own(kernel.createValueMap("flowscribe_ring", totalBytes));
  const wake = held.own(kernel.createRingBuffer("flowscribe_wake", pageBytes));
  memory.map(0, totalBytes, ring, 0, "write");
  memory.map(totalBytes, pageBytes, wake, 0, "write");
  memory.map(totalBytes + pageBytes, pageBytes, wake, pageBytes, "read");
  return { ring, wake };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function findDevice(kernel: Kernel, name: string): Device {
  // C would take the name to end at its first 0, and cut a long one.
  const fits = name !== "" && !name.includes("\0") && new TextEncoder().encode(name).length <= 15;
  if (name === "any") {
    throw new FlowscribeError(
      "no_such_device",
      "any is a device of flowscribe/source/libpcap only: eBPF captures from one interface",
    );
  }
  if (fits) return kernel.device(name);
  throw new FlowscribeError(
    "no_such_device",
    `${JSON.stringify(name)} is no name of a network interface: those have 1 to 15 bytes`,
  );
}

function layerOf(name: string, { hardware, isUp }: Device): 2 | 3 {
  if (!isUp) throw new FlowscribeError("device_down", `${name} is down: ip link set ${name} up`);
  if (ETHERNET_HARDWARE.includes(hardware)) return 2;
  if (RAW_HARDWARE.includes(hardware)) return 3;
  throw new FlowscribeError(
    "capture_unavailable",
    `${name} is of a kind (hardware type ${hardware}) that eBPF capture does not know: use flowscribe/source/libpcap`,
  );
}

/** What a loopback device sends it receives, so that each packet would come twice. */
function hooksOf(
  direction: "ingress" | "egress" | "both",
  { isLoopback }: Device,
): readonly ("ingress" | "egress")[] {
  if (direction !== "both") return [direction];
  return isLoopback ? ["ingress"] : ["ingress", "egress"];
}

/** Processors that can ever be there, as in "0-7"; those of now where /sys is not mounted. */
function countProcessors(): number {
  const last = readText("/sys/devices/system/cpu/possible").trim().split(/[-,]/).at(-1);
  return last ? Number(last) + 1 : cpus().length;
}

function findCircumstances(): Circumstances {
  const status = readText("/proc/self/status");
  const limits = readText("/proc/self/limits");
  // Where /proc is not mounted nothing is known to be missing.
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "ffffffffffffffff";
  const limit = /^Max locked memory\s+(\d+)/m.exec(limits)?.[1];
  return {
    release: release(),
    capabilities: BigInt(`0x${capabilities}`),
    memoryLockLimit: limit === undefined ? undefined : Number(limit),
  };
}

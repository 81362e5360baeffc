import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import {
  anInteger,
  aSignal,
  aString,
  checkedElsewhere,
  oneOf,
  withMethods,
} from "../../errors/value-checks.js";
import { type AddressSet, MAX_ADDRESSES } from "../../packet/filter/address-set.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import { LINKTYPE_ETHERNET, LINKTYPE_RAW, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import { type CompiledSelection, compileSelection, type FlowSelection } from "../flow-selection.js";
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
import { isBefore, openError, type SystemContext, TCX_KERNEL } from "./open-error.js";
import { planFilters } from "./program/filter-plan.js";
import { compileSelected, MIN_WINDOW } from "./program/program.js";
import { layOutRing, longestCopy, MAX_RING_BYTES, MIN_RING_BYTES, type RingLayout } from "./ring-layout.js";
import { RingReader } from "./ring-reader.js";

/** Options of `openEbpf`. */
export interface EbpfOptions {
  /** Capture only packets that match any of these filters; the source is then `filtered`. Default: every packet. */
  readonly include?: readonly PacketFilterInit[];
  /**
   * Capture only IP packets from or to any of these addresses, which the program looks up in a table of the kernel: changes
   * of the set take effect at once. An empty set captures nothing. With `include` or `flows`, packets must match both.
   */
  readonly addresses?: AddressSet;
  /**
   * Capture only packets whose flows may pass these FlowFilters. The kernel filters as
   * far as it can, see `describeSelection`; the packets that pass are tested again. Fields that packets do not contain,
   * such as pods and verdicts, are not tested. Together with `include`, both must match, and the kernel tests only
   * `include`.
   */
  readonly flows?: FlowSelection;
  /** Maximum captured bytes per packet, at most 262,144; 0 (default) for whole packets. */
  readonly snapLength?: number;
  /** As seen from the interface: `ingress` for received packets, `egress` for sent packets; default `both`. */
  readonly direction?: "ingress" | "egress" | "both";
  /**
   * Size of the buffer between the kernel and this process in bytes, 128 KiB to 256 MiB. Rounded up to a power of two,
   * and to at least four packets of maximum size per processor. Packets that do not fit are dropped and counted in
   * `stats().dropped`. Default {@link DEFAULT_BUFFER_BYTES}.
   */
  readonly bufferBytes?: number;
  /** Aborts opening or capturing: the pending promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A live capture. */
export type EbpfSource = LiveSource;

/** Default size of the buffer in bytes: enough for about 20,000 full-size Ethernet frames. */
export const DEFAULT_BUFFER_BYTES: number = 32 * 1024 * 1024;

// ARPHRD_ETHER and ARPHRD_LOOPBACK in include/uapi/linux/if_arp.h
const ETHERNET_HARDWARE = [1, 772];
/** Devices without a link header: NONE (tun, WireGuard), RAWIP, and the IP-in-IP and IPv6-in-IPv4 tunnels. */
const RAW_HARDWARE = [0xfffe, 519, 768, 769, 776];

/** A shorter snap length is applied in this process, as the program inserts VLAN tags at offset 12. */
const MIN_COPY_LENGTH = 64;

const EBPF_OPTIONS: OptionTable<EbpfOptions> = {
  // The compile functions check them.
  include: checkedElsewhere,
  addresses: withMethods<AddressSet>("a set of addresses from createAddressSet", "follow"),
  flows: checkedElsewhere,
  snapLength: anInteger(0, MAX_CAPTURED_LENGTH),
  direction: oneOf("ingress", "egress", "both"),
  bufferBytes: anInteger(MIN_RING_BYTES, MAX_RING_BYTES),
  signal: aSignal,
};

/** Options for tests. */
export interface TestOptions {
  readonly importKoffi?: () => Promise<unknown>;
  readonly context?: Partial<SystemContext>;
}

/** `openEbpf` with options for tests. Synchronous once koffi is loaded. */
export async function open(
  device: string,
  options: EbpfOptions = {},
  { importKoffi, context = {} }: TestOptions = {},
): Promise<EbpfSource> {
  checkArgument("openEbpf", "device", device, aString);
  checkOptions("openEbpf", options, EBPF_OPTIONS);
  const { include, flows, signal } = options;
  // Report invalid arguments before missing system features.
  if (include !== undefined) planFilters(include);
  const selection = flows === undefined ? undefined : compileSelection(flows);
  signal?.throwIfAborted();
  const koffi = await loadKoffi(importKoffi);
  signal?.throwIfAborted();
  const kernel = bindKernel(koffi);
  const given = { ...readSystemContext(), ...context };
  try {
    return startCapture(openCapture(koffi, kernel, device, options, selection, given.release));
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
  selection: CompiledSelection | undefined,
  kernelRelease: string,
): OpenCapture {
  const { include, addresses, snapLength = 0 } = options;
  const { bufferBytes = DEFAULT_BUFFER_BYTES, direction = "both", signal } = options;
  const device = findDevice(kernel, name);
  const layer = layerOf(name, device);
  const processors = countProcessors();
  const longest = longestCopy(processors);
  const keptLength = snapLength === 0 ? longest : Math.min(snapLength, longest);
  const copyLength = Math.max(keptLength, selection === undefined ? MIN_COPY_LENGTH : MIN_WINDOW);
  const ring = layOutRing(bufferBytes, copyLength, processors);
  const linkType = layer === 2 ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
  const format = { linkType, resolution: "ns", snapLength: keptLength, interfaceId: 0 } as const;
  const held = new Held(kernel);
  const attachments: Attachment[] = [];
  try {
    const memory = held.memory(kernel.reserveMemory(ring.totalBytes + 2 * kernel.pageBytes));
    const maps = mapRing(kernel, held, memory, ring);
    const reader = new RingReader(memory.buffer, memory.createView(), ring, format);
    reader.clockOffset = kernel.clockOffset();
    const set = addresses && held.own(kernel.createSetMap("flowscribe_set", ADDRESS_BYTES, MAX_ADDRESSES));
    let tables: Descriptor | undefined;
    const hooks = hooksOf(direction, device).map((hook) => {
      const parts = { arriving: hook === "ingress", copyLength, ring };
      const window = Math.max(keptLength, MIN_WINDOW);
      const answer = { kind: "capture", parts } as const;
      const hasAddresses = addresses !== undefined;
      const compiled = compileSelected(include, selection?.kernel, { layer, window, answer, hasAddresses });
      // Both hooks use the same tables.
      if (compiled.tables.length > 0)
        tables ??= held.own(kernel.createConstantMap("flowscribe_tab", compiled.tables));
      const descriptors = {
        ...maps,
        ...(tables !== undefined && { tables }),
        ...(set !== undefined && { addresses: set }),
      };
      const program = held.own(kernel.loadProgram("flowscribe", compiled.program.encode(descriptors)));
      return { hook, program };
    });
    if (addresses !== undefined && set !== undefined) held.onRelease(followAddresses(kernel, addresses, set));
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
      wanted: selection?.wanted,
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

/** An address in the kernel's table: 16 bytes, IPv4 as `::ffff:0:0/96`. */
const ADDRESS_BYTES = 16;

/** Keeps the kernel's table equal to a set. Returns a function that ends it. */
function followAddresses(kernel: Kernel, addresses: AddressSet, map: Descriptor): () => void {
  return addresses.follow({
    add: (words) => kernel.addKey(map, keyOf(words)),
    delete: (words) => kernel.deleteKey(map, keyOf(words)),
  });
}

function keyOf(words: Uint32Array): Uint8Array {
  const key = new Uint8Array(ADDRESS_BYTES);
  const view = new DataView(key.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word);
  return key;
}

/** Attaches with a link if the kernel supports it, otherwise as a filter. */
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

/** If the kernel does not support the query, the link counts as attached. */
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

/** Resources opened so far, to be released together. */
class Held {
  readonly #kernel: Kernel;
  readonly #descriptors: Descriptor[] = [];
  readonly #endings: (() => void)[] = [];
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

  /** Calls a function before the resources are released. */
  onRelease(end: () => void): void {
    this.#endings.push(end);
  }

  release(): void {
    try {
      for (const end of this.#endings.splice(0)) end();
    } catch {
      // A set of the program that misbehaves must not keep the resources.
    }
    try {
      this.#memory?.release();
    } finally {
      for (const descriptor of this.#descriptors.splice(0)) this.#kernel.close(descriptor);
    }
  }
}

/** Maps the ring's value, followed by the two position pages of the BPF ring buffer. */
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
  // C ends a string at the first NUL and would truncate a longer name.
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
    `${JSON.stringify(name)} is not the name of a network interface: names have 1 to 15 bytes`,
  );
}

function layerOf(name: string, { hardware, isUp }: Device): 2 | 3 {
  if (!isUp) throw new FlowscribeError("device_down", `${name} is down: ip link set ${name} up`);
  if (ETHERNET_HARDWARE.includes(hardware)) return 2;
  if (RAW_HARDWARE.includes(hardware)) return 3;
  throw new FlowscribeError(
    "capture_unavailable",
    `${name} has a hardware type (${hardware}) that eBPF capture does not support: use flowscribe/source/libpcap`,
  );
}

/**
 * A loopback device receives what it sends, so attach to one hook only; otherwise each packet would be captured twice.
 */
function hooksOf(
  direction: "ingress" | "egress" | "both",
  { isLoopback }: Device,
): readonly ("ingress" | "egress")[] {
  if (direction !== "both") return [direction];
  return isLoopback ? ["ingress"] : ["ingress", "egress"];
}

/** Maximum number of processors, as in "0-7"; the current number if /sys is not mounted. */
function countProcessors(): number {
  const last = readText("/sys/devices/system/cpu/possible").trim().split(/[-,]/).at(-1);
  return last ? Number(last) + 1 : cpus().length;
}

function readSystemContext(): SystemContext {
  const status = readText("/proc/self/status");
  const limits = readText("/proc/self/limits");
  // If /proc is not mounted, assume that no capability is missing.
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "ffffffffffffffff";
  const limit = /^Max locked memory\s+(\d+)/m.exec(limits)?.[1];
  return {
    release: release(),
    capabilities: BigInt(`0x${capabilities}`),
    memoryLockLimit: limit === undefined ? undefined : Number(limit),
  };
}

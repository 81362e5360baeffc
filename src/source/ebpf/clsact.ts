import { readFileSync, readlinkSync } from "node:fs";
import { type Descriptor, type Kernel, SystemError } from "../native/kernel.js";

// Attaches programs to traffic-control hooks on kernels before 6.6: as filters of the queueing discipline `clsact`,
// through rtnetlink. Unlike a link, a filter stays attached when its process dies. Its name identifies the process, and
// the next capture of the device removes the filters of dead processes.

// linux/rtnetlink.h, linux/netlink.h
const RTM_NEWQDISC = 36;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;
const NLM_F_REQUEST = 0x001;
const NLM_F_ACK = 0x004;
const NLM_F_DUMP = 0x300;
const NLM_F_CREATE_ONLY = 0x600;
const HEADER_BYTES = 16;
/** `struct tcmsg`: family, device, handle, parent, info. */
const TCMSG_BYTES = 20;
const TCMSG_HANDLE = HEADER_BYTES + 8;
const TCMSG_INFO = HEADER_BYTES + 16;
const ATTRIBUTES = HEADER_BYTES + TCMSG_BYTES;

// linux/pkt_sched.h, linux/pkt_cls.h
const CLSACT_HANDLE = 0xffff0000;
const CLSACT_PARENT = 0xfffffff1;
const HOOK_PARENTS = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const DIRECT_ACTION = 1;
/** Priority 1, before all others, and `ETH_P_ALL` in network order. */
const FIRST_OF_ALL = ((1 << 16) | 0x0300) >>> 0;

const NAME = "flowscribe:";
/** Maximum number of handles to try until one is free. */
const HANDLE_ATTEMPTS = 1000;

/** Attaches a program. Returns a function that detaches it. */
export function attachByClsact(
  kernel: Kernel,
  program: Descriptor,
  device: number,
  hook: "ingress" | "egress",
): () => void {
  addClsact(kernel, device);
  removeLeftovers(kernel, device, hook);
  const place = { device, parent: HOOK_PARENTS[hook], info: FIRST_OF_ALL };
  const handle = addFilter(kernel, place, program);
  return () => removeFilter(kernel, { ...place, handle });
}

function addClsact(kernel: Kernel, device: number): void {
  const place = { device, handle: CLSACT_HANDLE, parent: CLSACT_PARENT, info: 0 };
  try {
    kernel.route(
      "RTM_NEWQDISC",
      message(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE_ONLY, place, [kind("clsact")]),
    );
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== "EEXIST") throw error;
  }
}

function addFilter(kernel: Kernel, place: Omit<Place, "handle">, program: Descriptor): number {
  const options = attribute(
    TCA_OPTIONS,
    concat([
      attribute(TCA_BPF_FD, uint32(program)),
      attribute(TCA_BPF_NAME, text(`${NAME}${nameOfProcess(process.pid)}`)),
      attribute(TCA_BPF_FLAGS, uint32(DIRECT_ACTION)),
    ]),
  );
  for (let attempt = 1; ; attempt++) {
    const handle = process.pid + attempt;
    try {
      const all = { ...place, handle };
      kernel.route(
        "RTM_NEWTFILTER",
        message(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE_ONLY, all, [kind("bpf"), options]),
      );
      return handle;
    } catch (error) {
      const taken = error instanceof SystemError && (error.code === "EEXIST" || error.code === "ENOSPC");
      if (!taken || attempt === HANDLE_ATTEMPTS) throw error;
    }
  }
}

/** Does not throw if the filter or the device is already gone. */
function removeFilter(kernel: Kernel, place: Place): void {
  try {
    kernel.route("RTM_DELTFILTER", message(RTM_DELTFILTER, NLM_F_ACK, place, [kind("bpf")]));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/** Removes the filters of captures whose process has died. */
function removeLeftovers(kernel: Kernel, device: number, hook: "ingress" | "egress"): void {
  const place = { device, handle: 0, parent: HOOK_PARENTS[hook], info: 0 };
  for (const answer of kernel.route("RTM_GETTFILTER", message(RTM_GETTFILTER, NLM_F_DUMP, place, []))) {
    const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
    const options = findAttribute(answer, ATTRIBUTES, answer.length, TCA_OPTIONS);
    const name = options && findAttribute(answer, options.start, options.end, TCA_BPF_NAME);
    if (name === undefined) continue;
    const written = new TextDecoder().decode(answer.subarray(name.start, name.end - 1));
    if (!written.startsWith(NAME) || !isLeftBehind(written.slice(NAME.length))) continue;
    const handle = view.getUint32(TCMSG_HANDLE, true);
    removeFilter(kernel, { ...place, handle, info: view.getUint32(TCMSG_INFO, true) });
  }
}

/**
 * Identifies a process by its PID, its start time (as PIDs are reused) and its PID namespace: a process in another
 * container that shares the device must not be considered dead.
 */
function nameOfProcess(pid: number): string {
  return `${pid}:${startOf(pid)}:${processNamespace()}`;
}

/** Whether the process of that name belonged to this namespace and has ended. */
function isLeftBehind(name: string): boolean {
  const [pid = "", start = "", ...namespace] = name.split(":");
  if (namespace.join(":") !== processNamespace()) return false;
  return startOf(Number(pid)) !== start;
}

/** Start time of a process in clock ticks since boot; "" if it does not exist. */
function startOf(pid: number): string {
  try {
    // The second field is a name in parentheses that may contain any character; the start time is field 22.
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(")").at(-1)?.split(" ")[20] ?? "";
  } catch {
    return "";
  }
}

/** Such as `pid:[4026531836]`. */
function processNamespace(): string {
  return readlinkSync("/proc/self/ns/pid");
}

interface Place {
  readonly device: number;
  readonly handle: number;
  readonly parent: number;
  readonly info: number;
}

function message(type: number, flags: number, place: Place, attributes: readonly Uint8Array[]): Uint8Array {
  const bytes = concat([new Uint8Array(ATTRIBUTES), ...attributes]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | NLM_F_REQUEST, true);
  [place.device, place.handle, place.parent, place.info].forEach((value, index) => {
    view.setUint32(HEADER_BYTES + 4 + 4 * index, value, true);
  });
  return bytes;
}

/** Encodes a netlink attribute: length, type and value, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function kind(name: string): Uint8Array {
  return attribute(TCA_KIND, text(name));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function findAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: number,
): { readonly start: number; readonly end: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at + 4 <= end; ) {
    const length = Math.max(view.getUint16(at, true), 4);
    if ((view.getUint16(at + 2, true) & 0x3fff) === wanted)
      return { start: at + 4, end: Math.min(at + length, end) };
    at += (length + 3) & ~3;
  }
  return undefined;
}

import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { aString } from "../../errors/value-checks.js";
import { LINKTYPE_ETHERNET } from "../../packet/link-type.js";
import { compileProgram, prepareFilter } from "../libpcap/device-filter.js";
import { readDevices } from "../libpcap/devices.js";
import type { ExpressionText } from "../libpcap/expression/text.js";
import { chainPrograms } from "../libpcap/kernel-filter.js";
import { toFileLinkType } from "../libpcap/memory-link-type.js";
import { createHandle, unlessAborted } from "../libpcap/open.js";
import { openError } from "../libpcap/open-error.js";
import { type CapturePlan, DIRECTIONS, planCapture } from "../libpcap/plan.js";
import type { LiveSource } from "../live-source.js";
import { bindKernel, type Device, type Kernel, SystemError } from "../native/kernel.js";
import { type Koffi, loadKoffi } from "../native/koffi.js";
import { type Libpcap, loadLibpcap } from "../native/libpcap.js";
import { openSocket } from "./open-socket.js";
import { PACKET_SOCKET_OPTIONS, type PacketSocketOptions } from "./options.js";
import { selectOutgoing } from "./outgoing.js";

/** Options for tests. */
export interface TestOptions {
  readonly importKoffi?: () => Promise<unknown>;
  /** Ask libpcap on this thread, whose network namespace may differ from that of the process. */
  readonly onThisThread?: boolean;
}

/** The smallest that libpcap supports: its handle is only asked. */
const HANDLE_BUFFER_BYTES = 64 * 1024;

/** `openPacketSocket` with options for tests. */
export async function open(
  device: string,
  options: PacketSocketOptions,
  test: TestOptions = {},
): Promise<LiveSource> {
  checkArgument("openPacketSocket", "device", device, aString);
  checkOptions("openPacketSocket", options, PACKET_SOCKET_OPTIONS);
  const { signal, keepBytes = 0, ...rest } = options;
  const plan = planCapture(device, rest);
  signal?.throwIfAborted();
  const opening = openPlanned({ ...plan, signal }, keepBytes, test);
  return signal === undefined ? opening : unlessAborted(opening, signal);
}

async function openPlanned(plan: CapturePlan, keepBytes: number, test: TestOptions): Promise<LiveSource> {
  const koffi = await loadKoffi(test.importKoffi);
  const kernel = bindKernel(koffi);
  const libpcap = loadLibpcap(koffi);
  const expression = await prepareFilter(plan);
  try {
    const asked = await askLibpcap(koffi, kernel, libpcap, plan, expression, test);
    return await openSocket(koffi, kernel, plan, keepBytes, asked);
  } catch (error) {
    if (error instanceof SystemError) throw describeFailure(koffi, libpcap, plan, error);
    throw error;
  }
}

/**
 * Compiles the filter on a libpcap handle of the device: only for an open device does libpcap test VLAN tags that the
 * kernel has removed. So devices that cannot be captured from are rejected with the same errors as by `openLibpcap`.
 */
async function askLibpcap(
  koffi: Koffi,
  kernel: Kernel,
  libpcap: Libpcap,
  plan: CapturePlan,
  expression: ExpressionText,
  { onThisThread = false }: TestOptions,
): Promise<{ readonly interface: Device; readonly program: Uint8Array }> {
  const { device, capturedLength, timeoutMs } = plan;
  const handle = createHandle(koffi, libpcap, device);
  try {
    handle.configure({
      snapLength: capturedLength,
      promiscuous: false,
      timeoutMs,
      bufferBytes: HANDLE_BUFFER_BYTES,
      nanoseconds: false,
    });
    const status = await handle.activate(onThisThread);
    if (status < 0) throw openError(device, status, handle.errorText(), () => readDevices(koffi, libpcap));
    const linkType = toFileLinkType(handle.linkType);
    if (linkType !== LINKTYPE_ETHERNET) {
      throw new FlowscribeError(
        "capture_unavailable",
        `${device} has link type ${linkType}, and a packet socket captures Ethernet and loopback only: use openLibpcap`,
      );
    }
    const found = kernel.device(device);
    const program = compileProgram(handle, linkType, plan, expression);
    return { interface: found, program: withDirection(program, plan.direction, found) };
  } finally {
    await handle.close();
  }
}

/** A loopback interface receives what it sends: as libpcap does, the sent packets are left out. */
function withDirection(program: Uint8Array, direction: number, { isLoopback }: Device): Uint8Array {
  let selected = program;
  if (direction === DIRECTIONS.out) selected = chainPrograms(selectOutgoing(true), selected);
  if (direction === DIRECTIONS.in || isLoopback) selected = chainPrograms(selectOutgoing(false), selected);
  return selected;
}

/** `PCAP_ERROR_NO_SUCH_DEVICE` and `PCAP_ERROR_PERM_DENIED` */
const STATUS_OF: Readonly<Record<string, number>> = { ENODEV: -5, ENXIO: -5, EPERM: -8, EACCES: -8 };

function describeFailure(
  koffi: Koffi,
  libpcap: Libpcap,
  { device }: CapturePlan,
  cause: SystemError,
): FlowscribeError {
  const status = STATUS_OF[cause.code];
  if (status !== undefined) {
    return openError(device, status, cause.message, () => readDevices(koffi, libpcap));
  }
  const advice =
    cause.code === "ENOMEM"
      ? "there is no memory for the kernel's buffer: set smaller `keepBytes` and `bufferBytes`"
      : cause.message;
  return new FlowscribeError("capture_failed", `${device} cannot be captured from: ${advice}`, { cause });
}

import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { aBoolean, anInteger, aSignal, aString, checkedElsewhere, oneOf } from "../../errors/value-checks.js";
import type { Resolution } from "../../packet/batch.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import { compilePacketFilter } from "../../packet/filter/filter.js";
import { formatPacketFilter } from "../../packet/filter/pcap-text.js";
import { LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import type { CaptureInterface } from "../../packet/source.js";
import type { LiveSource } from "../live-source.js";
import { type Koffi, loadKoffi } from "../native/koffi.js";
import { type Libpcap, loadLibpcap } from "../native/libpcap.js";
import { PcapHandle } from "../native/pcap-handle.js";
import { captureSource, type OpenCapture } from "./capture.js";
import { readDevices } from "./devices.js";
import { type ExpressionText, isOptimized, prepareExpression, quoteExpression } from "./expression/text.js";
import { chainPrograms } from "./kernel-filter.js";
import { openError } from "./open-error.js";
import { PacketReader } from "./packet-reader.js";
import type { BatchReader } from "./reader.js";
import { Readiness } from "./readiness.js";
import { BATCH_BYTES, StreamReader } from "./stream-reader.js";

/** Options of `openLibpcap`. */
export interface LibpcapOptions {
  /**
   * Capture only packets that match any of these filters; the source is then `filtered`. The kernel filters as far as
   * it can; the packets that pass are checked again.
   */
  readonly include?: readonly PacketFilterInit[];
  /** pcap-filter text (`man pcap-filter`), evaluated in the kernel. Together with `include`, both must match. */
  readonly expression?: string;
  /** Maximum captured bytes per packet, at most 262,144; 0 (default) for whole packets. */
  readonly snapLength?: number;
  /**
   * Promiscuous mode: also capture packets addressed to other hosts. Default true, as in tcpdump. Has no effect on
   * `any`.
   */
  readonly promiscuous?: boolean;
  /**
   * Size of the kernel's buffer in bytes, 64 KiB to 1 GiB. It holds packets while the program is busy; packets that do
   * not fit are dropped and counted in `stats().dropped`. Default {@link DEFAULT_BUFFER_BYTES}.
   */
  readonly bufferBytes?: number;
  /**
   * How long the kernel may buffer packets to deliver them together, 1 to 1000 ms; default {@link DEFAULT_TIMEOUT_MS}.
   * Linux delivers blocks of 256 KiB, full or not, so this and the buffer size determine how long a reader may stall.
   */
  readonly timeoutMs?: number;
  /** As seen from the interface: `in` for received packets, `out` for sent packets; default `both`. */
  readonly direction?: Direction;
  /**
   * Unit of the timestamps; nanoseconds by default if the system supports them. `interfaces[0].resolution` reports the
   * actual unit.
   */
  readonly precision?: Resolution;
  /** Aborts opening or capturing: the pending promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Direction of packets to capture, as seen from the device. */
export type Direction = "in" | "out" | "both";

/** A live capture. */
export type LibpcapSource = LiveSource;

/** Default size of the kernel's buffer in bytes. */
export const DEFAULT_BUFFER_BYTES: number = 16 * 1024 * 1024;
/** Default of {@link LibpcapOptions.timeoutMs}, in milliseconds. */
export const DEFAULT_TIMEOUT_MS: number = 10;
const MIN_BUFFER_BYTES = 64 * 1024;
const MAX_BUFFER_BYTES = 1024 * 1024 * 1024;
const MAX_TIMEOUT_MS = 1000;
/** Minimum captured length for the predicate to find the ports, regardless of the snap length. */
const MIN_FILTERED_LENGTH = 256;
/**
 * Maximum number of filters that are compiled for the kernel, whose programs have at most 4,096 instructions. Longer
 * lists are left to the predicate alone.
 */
const MAX_KERNEL_FILTERS = 64;
/** Maximum length of the text of such filters: libpcap optimizes it on this thread, in cubic time, 400 ms at most. */
const MAX_KERNEL_TEXT_LENGTH = 20_000;

/** `pcap_direction_t` */
const DIRECTIONS: { readonly [D in Direction]: number } = { both: 0, in: 1, out: 2 };

const LIBPCAP_OPTIONS: OptionTable<LibpcapOptions> = {
  // The compile function checks it.
  include: checkedElsewhere,
  expression: aString,
  snapLength: anInteger(0, MAX_CAPTURED_LENGTH),
  promiscuous: aBoolean,
  bufferBytes: anInteger(MIN_BUFFER_BYTES, MAX_BUFFER_BYTES),
  timeoutMs: anInteger(1, MAX_TIMEOUT_MS),
  direction: oneOf("in", "out", "both"),
  precision: oneOf("ns", "us"),
  signal: aSignal,
};

/** Options for tests. */
export interface TestOptions {
  readonly importKoffi?: () => Promise<unknown>;
  readonly libraryNames?: readonly string[];
  /** Activate on this thread, whose network namespace may differ from that of the process. */
  readonly here?: boolean;
  /** Read packet by packet, as if `pcap_dump` were unavailable. */
  readonly singly?: boolean;
  /** Poll, as if there were no descriptor to wait on. */
  readonly looking?: boolean;
}

/** `openLibpcap` with options for tests. */
export async function open(
  device: string,
  options: LibpcapOptions,
  test: TestOptions = {},
): Promise<LibpcapSource> {
  checkArgument("openLibpcap", "device", device, aString);
  checkOptions("openLibpcap", options, LIBPCAP_OPTIONS);
  const { signal } = options;
  const plan = planCapture(device, options);
  signal?.throwIfAborted();
  const opening = openPlanned(plan, test);
  return signal === undefined ? opening : unlessAborted(opening, signal);
}

/**
 * Rejects with the signal's reason if it is aborted. Waits until opening has ended, because libpcap cannot interrupt
 * it, and closes what was opened. When the promise rejects, no capture is open.
 */
async function unlessAborted(opening: Promise<LibpcapSource>, signal: AbortSignal): Promise<LibpcapSource> {
  let source: LibpcapSource;
  try {
    source = await opening;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  if (!signal.aborted) return source;
  await source[Symbol.asyncDispose]();
  throw signal.reason;
}

type Plan = ReturnType<typeof planCapture>;

/** Validates everything that does not depend on the system. */
function planCapture(
  device: string,
  {
    include,
    expression,
    snapLength = 0,
    promiscuous = true,
    bufferBytes = DEFAULT_BUFFER_BYTES,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    direction = "both",
    precision = "ns",
    signal,
  }: LibpcapOptions,
) {
  const keptLength = snapLength === 0 ? MAX_CAPTURED_LENGTH : snapLength;
  return {
    device,
    include,
    wanted: include === undefined ? undefined : compilePacketFilter(include),
    expression,
    keptLength,
    capturedLength: include === undefined ? keptLength : Math.max(keptLength, MIN_FILTERED_LENGTH),
    promiscuous,
    bufferBytes,
    timeoutMs,
    direction: DIRECTIONS[direction],
    nanoseconds: precision === "ns",
    signal,
  };
}

async function openPlanned(plan: Plan, test: TestOptions): Promise<LibpcapSource> {
  const { importKoffi, libraryNames } = test;
  const koffi = await loadKoffi(importKoffi);
  const libpcap = loadLibpcap(koffi, libraryNames);
  // Before the device is open, as resolving names may take time.
  const expression = await prepare(plan);
  const handle = createHandle(koffi, libpcap, plan.device);
  try {
    return captureSource(await openHandle(koffi, libpcap, handle, plan, expression, test));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function createHandle(koffi: Koffi, libpcap: Libpcap, device: string): PcapHandle {
  // C ends a string at the first NUL.
  if (device === "" || device.includes("\0")) {
    throw openError(device, NO_SUCH_DEVICE, "", () => readDevices(koffi, libpcap));
  }
  try {
    return PcapHandle.create(koffi, libpcap, device);
  } catch (cause) {
    throw new FlowscribeError("capture_failed", `${device} cannot be captured from: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** `PCAP_ERROR_NO_SUCH_DEVICE` */
const NO_SUCH_DEVICE = -5;

async function openHandle(
  koffi: Koffi,
  libpcap: Libpcap,
  handle: PcapHandle,
  plan: Plan,
  expression: ExpressionText,
  { here = false, singly = false, looking = false }: TestOptions,
): Promise<OpenCapture> {
  const { device, capturedLength, keptLength, promiscuous, bufferBytes, timeoutMs, nanoseconds } = plan;
  handle.configure({
    snapLength: capturedLength,
    promiscuous,
    timeoutMs,
    bufferBytes,
    nanoseconds,
  });
  const status = await handle.activate(here);
  if (status < 0) throw openError(device, status, handle.errorText(), () => readDevices(koffi, libpcap));
  // Version 2 includes the interface of each packet; an older libpcap does not support it.
  if (handle.linkType === LINKTYPE_LINUX_SLL) handle.setLinkType(LINKTYPE_LINUX_SLL2);
  const reader = openReader(handle, capturedLength, singly);
  try {
    setFilter(handle, reader.linkType, plan, expression);
    if (plan.direction !== DIRECTIONS.both) check(device, handle, handle.setDirection(plan.direction));
    check(device, handle, handle.setNonBlocking());
    const resolution: Resolution = handle.nanoseconds ? "ns" : "us";
    const format = { linkType: reader.linkType, resolution, snapLength: keptLength, interfaceId: 0 };
    const description: CaptureInterface = {
      linkType: format.linkType,
      resolution,
      snapLength: keptLength,
      name: device,
      ...(plan.expression !== undefined && { filter: plan.expression }),
    };
    return {
      device,
      handle,
      reader,
      readiness: new Readiness(koffi, looking ? undefined : handle.descriptor),
      format,
      description,
      wanted: plan.wanted,
      cutTo: keptLength < capturedLength ? keptLength : undefined,
      bufferBytes,
      timeoutMs,
      signal: plan.signal,
    };
  } catch (error) {
    reader.close();
    throw error;
  }
}

function openReader(handle: PcapHandle, snapLength: number, singly: boolean): BatchReader {
  const stream = singly ? undefined : handle.openStream(BATCH_BYTES);
  return stream === undefined
    ? new PacketReader(handle, snapLength)
    : new StreamReader(handle, stream, snapLength);
}

function check(device: string, handle: PcapHandle, status: number): void {
  if (status < 0) {
    throw new FlowscribeError("capture_failed", `${device} cannot be captured from: ${handle.errorText()}`);
  }
}

/** A filter is always set, as it is what truncates packets to the snap length in the kernel. */
function setFilter(
  handle: PcapHandle,
  linkType: number,
  { device, include }: Plan,
  expression: ExpressionText,
): void {
  let program = compileForDevice(handle, expression);
  const ours = include === undefined ? undefined : compileInclude(handle, linkType, include);
  if (ours !== undefined) program = expression.text === "" ? ours : chainPrograms(program, ours);
  check(device, handle, handle.setFilter(program));
}

async function prepare({ expression = "" }: Plan): Promise<ExpressionText> {
  try {
    return await prepareExpression(expression);
  } catch (cause) {
    throw expressionError(expression, cause);
  }
}

function compileForDevice(handle: PcapHandle, expression: ExpressionText): Uint8Array {
  try {
    return handle.compile({ text: expression.text, optimize: isOptimized(expression, handle.linkType) });
  } catch (cause) {
    throw expressionError(expression.text, cause);
  }
}

function expressionError(expression: string, cause: unknown): FlowscribeError {
  return new FlowscribeError(
    "invalid_expression",
    `${quoteExpression(expression)} is not a filter for this device: ${messageOf(cause)}`,
    { cause },
  );
}

function compileInclude(
  handle: PcapHandle,
  linkType: number,
  include: readonly PacketFilterInit[],
): Uint8Array | undefined {
  if (include.length === 0 || include.length > MAX_KERNEL_FILTERS) return undefined;
  const text = formatPacketFilter(include, { linkType });
  if (text.length > MAX_KERNEL_TEXT_LENGTH) return undefined;
  try {
    return handle.compile({ text, optimize: true });
  } catch {
    // libpcap does not support IP on this link type, or the program is too large: use the predicate alone.
    return undefined;
  }
}

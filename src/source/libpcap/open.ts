import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { aBoolean, anInteger, aSignal, aString, checkedElsewhere, oneOf } from "../../errors/value-checks.js";
import type { Resolution } from "../../packet/batch.js";
import { compilePacketFilter } from "../../packet/filter.js";
import type { PacketFilterInit } from "../../packet/filter-check.js";
import { formatPacketFilter } from "../../packet/filter-text.js";
import { LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import type { CaptureInterface } from "../../packet/source.js";
import type { LiveSource } from "../live-source.js";
import { type Koffi, loadKoffi } from "../native/koffi.js";
import { type Libpcap, loadLibpcap } from "../native/libpcap.js";
import { PcapHandle } from "../native/pcap-handle.js";
import { captureSource, type OpenCapture } from "./capture.js";
import { readDevices } from "./devices.js";
import { type ExpressionText, isOptimized, prepareExpression, quoteExpression } from "./expression-text.js";
import { chainPrograms } from "./kernel-filter.js";
import { openError } from "./open-error.js";
import { PacketReader } from "./packet-reader.js";
import type { BatchReader } from "./reader.js";
import { Readiness } from "./readiness.js";
import { BATCH_BYTES, StreamReader } from "./stream-reader.js";

/** What is captured, and how. */
export interface LibpcapOptions {
  /**
   * Packets that match any of these filters, and no others; the source is then `filtered`. The kernel sorts out what it
   * can, and what it lets through is looked at again.
   */
  readonly include?: readonly PacketFilterInit[];
  /** pcap-filter text (`man pcap-filter`), evaluated in the kernel; together with `include` both have to match. */
  readonly expression?: string;
  /** Bytes to capture of a packet, at most 262,144; 0 (default) for all of them. */
  readonly snapLength?: number;
  /** Whether the interface is to take in packets for others too; default true, as tcpdump's. No matter for `any`. */
  readonly promiscuous?: boolean;
  /**
   * Size of the kernel's buffer: what it holds while the program is busy, 64 KiB to 1 GiB. What does not fit is dropped,
   * and counted in `stats().dropped`. Default {@link DEFAULT_BUFFER_BYTES}.
   */
  readonly bufferBytes?: number;
  /**
   * How long the kernel may keep packets back to hand them over together, 1 to 1000 ms; default {@link DEFAULT_TIMEOUT_MS}. Linux
   * hands over blocks of 256 KiB, full or not, so that this and the size of the buffer say how long a reader may stall.
   */
  readonly timeoutMs?: number;
  /** As seen by the interface: `in` for what it receives, `out` for what it sends; default `both`. */
  readonly direction?: Direction;
  /** Unit of the times; default nanoseconds where the system has them. `interfaces[0].resolution` tells which it is. */
  readonly precision?: Resolution;
  /** "Give up", while opening and afterwards: what is being waited for rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Which packets are captured, as seen from the device. */
export type Direction = "in" | "out" | "both";

/** A live capture. */
export type LibpcapSource = LiveSource;

/** Default size of the kernel's buffer. */
export const DEFAULT_BUFFER_BYTES: number = 16 * 1024 * 1024;
/** Default of {@link LibpcapOptions.timeoutMs}. */
export const DEFAULT_TIMEOUT_MS: number = 10;
const MIN_BUFFER_BYTES = 64 * 1024;
const MAX_BUFFER_BYTES = 1024 * 1024 * 1024;
const MAX_TIMEOUT_MS = 1000;
/** What the predicate is given at least to find the ports in, whatever the snap length. */
const MIN_FILTERED_LENGTH = 256;
/**
 * Filters that are made a program for the kernel; beyond, all of them are left to the predicate, which takes any number,
 * while the kernel's programs end at 4,096 instructions.
 */
const MAX_KERNEL_FILTERS = 64;
/** Longest text of such filters: libpcap optimizes it in 400 ms at most, on this thread. It takes cubic time. */
const MAX_KERNEL_TEXT_LENGTH = 20_000;

/** `pcap_direction_t` */
const DIRECTIONS: { readonly [D in Direction]: number } = { both: 0, in: 1, out: 2 };

const LIBPCAP_OPTIONS: OptionTable<LibpcapOptions> = {
  // Checked when they are compiled.
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

/** What only tests ask for. */
export interface TestOptions {
  readonly importKoffi?: () => Promise<unknown>;
  readonly libraryNames?: readonly string[];
  /** Activate on this thread, which may stand in another network namespace than the process. */
  readonly here?: boolean;
  /** Read packet by packet, as where `pcap_dump` cannot be used. */
  readonly singly?: boolean;
  /** Look again and again, as where there is nothing to wait on. */
  readonly looking?: boolean;
}

/** `openLibpcap`, with what tests need. */
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
 * Rejects with the signal's reason when it is aborted: after the opening has ended, because libpcap cannot interrupt it, and
 * what was opened is closed. A caller that counts captures can rely on the promise.
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

/** Checks everything that can be checked without the system. */
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
  // Before the device is open, as name servers may take their time.
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
  // C would take the name to end at its first 0.
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
  // Version 2 tells the interface of each packet; older libpcaps do without.
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

/** Always one, as it is the filter by which the kernel cuts packets to the snap length. */
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
    // A link type that libpcap finds no IP in, or too many tests: the predicate alone decides.
    return undefined;
  }
}

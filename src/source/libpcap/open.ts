import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { aString } from "../../errors/value-checks.js";
import type { Resolution } from "../../packet/batch.js";
import { LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2 } from "../../packet/link-type.js";
import type { CaptureInterface } from "../../packet/source.js";
import { DeviceCapture } from "../device/capture.js";
import { Readiness } from "../device/readiness.js";
import { createLiveSource, type LiveSource } from "../live-source.js";
import { type Koffi, loadKoffi } from "../native/koffi.js";
import { type Libpcap, loadLibpcap } from "../native/libpcap.js";
import { PcapHandle } from "../native/pcap-handle.js";
import { prepareFilter, setFilter } from "./device-filter.js";
import { readDevices } from "./devices.js";
import type { ExpressionText } from "./expression/text.js";
import { captureError, checkStatus, openError } from "./open-error.js";
import { PacketReader } from "./packet-reader.js";
import { type CapturePlan, DIRECTIONS, LIBPCAP_OPTIONS, type LibpcapOptions, planCapture } from "./plan.js";
import type { BatchReader } from "./reader.js";
import { SelectingReader } from "./selecting-reader.js";
import { BATCH_BYTES, StreamReader } from "./stream-reader.js";

/** Options for tests. */
export interface TestOptions {
  readonly importKoffi?: () => Promise<unknown>;
  readonly libraryNames?: readonly string[];
  /** Activate on this thread, whose network namespace may differ from that of the process. */
  readonly onThisThread?: boolean;
  /** Read packet by packet, as if `pcap_dump` were unavailable. */
  readonly packetByPacket?: boolean;
  /** Poll at an interval, as if there were no descriptor to wait on. */
  readonly isPolling?: boolean;
}

/** `openLibpcap` with options for tests. */
export async function open(
  device: string,
  options: LibpcapOptions,
  test: TestOptions = {},
): Promise<LiveSource> {
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
export async function unlessAborted<S extends LiveSource>(
  opening: Promise<S>,
  signal: AbortSignal,
): Promise<S> {
  let source: S;
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

async function openPlanned(plan: CapturePlan, test: TestOptions): Promise<LiveSource> {
  const { importKoffi, libraryNames } = test;
  const koffi = await loadKoffi(importKoffi);
  const libpcap = loadLibpcap(koffi, libraryNames);
  // Before the device is open, as resolving names may take time.
  const expression = await prepareFilter(plan);
  const handle = createHandle(koffi, libpcap, plan.device);
  try {
    return await openHandle(koffi, libpcap, handle, plan, expression, test);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function createHandle(koffi: Koffi, libpcap: Libpcap, device: string): PcapHandle {
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
  plan: CapturePlan,
  expression: ExpressionText,
  { onThisThread = false, packetByPacket = false, isPolling = false }: TestOptions,
): Promise<LiveSource> {
  const { device, capturedLength, keptLength, promiscuous, bufferBytes, timeoutMs, nanoseconds } = plan;
  handle.configure({
    snapLength: capturedLength,
    promiscuous,
    timeoutMs,
    bufferBytes,
    nanoseconds,
  });
  const status = await handle.activate(onThisThread);
  if (status < 0) throw openError(device, status, handle.errorText(), () => readDevices(koffi, libpcap));
  // Version 2 includes the interface of each packet; an older libpcap does not support it.
  if (handle.linkType === LINKTYPE_LINUX_SLL) handle.setLinkType(LINKTYPE_LINUX_SLL2);
  const reader = openReader(handle, capturedLength, packetByPacket);
  try {
    setFilter(handle, reader.linkType, plan, expression);
    if (plan.direction !== DIRECTIONS.both) checkStatus(device, handle, handle.setDirection(plan.direction));
    checkStatus(device, handle, handle.setNonBlocking());
    const resolution: Resolution = handle.nanoseconds ? "ns" : "us";
    const format = { linkType: reader.linkType, resolution, snapLength: keptLength, interfaceId: 0 };
    const description: CaptureInterface = {
      linkType: format.linkType,
      resolution,
      snapLength: keptLength,
      name: device,
      ...(plan.expression !== undefined && { filter: plan.expression }),
    };
    const capture = new DeviceCapture({
      handle: {
        failure: () => captureError(device, handle.errorText()),
        dropped: () => handle.dropped(),
        close: () => handle.close(),
      },
      reader: new SelectingReader(reader, format, {
        wanted: plan.wanted,
        cutTo: keptLength < capturedLength ? keptLength : undefined,
      }),
      readiness: new Readiness(koffi, isPolling ? undefined : handle.descriptor),
      bufferBytes,
      timeoutMs,
      signal: plan.signal,
    });
    return createLiveSource(capture, description, plan.include !== undefined);
  } catch (error) {
    reader.close();
    throw error;
  }
}

function openReader(handle: PcapHandle, snapLength: number, packetByPacket: boolean): BatchReader {
  const stream = packetByPacket ? undefined : handle.openStream(BATCH_BYTES);
  return stream === undefined
    ? new PacketReader(handle, snapLength)
    : new StreamReader(handle, stream, snapLength);
}

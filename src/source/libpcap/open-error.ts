import { FlowscribeError } from "../../errors/errors.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import type { CaptureDevice } from "./devices.js";

// PCAP_ERROR_… in pcap/pcap.h
const NO_SUCH_DEVICE = -5;
const PERMISSION_DENIED = -8;
const DEVICE_DOWN = -9;
const PROMISCUOUS_DENIED = -11;

/** Maximum number of device names in a message. */
const MAX_NAMES = 20;

/**
 * Creates the error for a device that could not be opened; the message says what to do.
 *
 * @param status Result of `pcap_activate`.
 * @param text libpcap's message; may be empty.
 * @param devices Lists the available devices.
 */
export function openError(
  device: string,
  status: number,
  text: string,
  devices: () => readonly CaptureDevice[],
): FlowscribeError {
  const said = text === "" ? "" : ` (${text})`;
  switch (status) {
    case NO_SUCH_DEVICE:
      return new FlowscribeError(
        "no_such_device",
        `there is no device ${JSON.stringify(device)}${said}; there are: ${namesOf(devices)}`,
      );
    case PERMISSION_DENIED:
    case PROMISCUOUS_DENIED:
      return new FlowscribeError("capture_denied", `not allowed to capture from ${device}${said}: ${RIGHTS}`);
    case DEVICE_DOWN:
      return new FlowscribeError("device_down", `${device} is down${said}: ip link set ${device} up`);
    default:
      return new FlowscribeError(
        "capture_failed",
        `${device} cannot be captured from: ${text || `error ${status}`}`,
      );
  }
}

const RIGHTS =
  process.platform === "linux"
    ? "it takes the capability CAP_NET_RAW. Run as root, or grant it to the program that runs (setcap cap_net_raw+ep <path of " +
      "node>), in systemd by AmbientCapabilities=CAP_NET_RAW, in a container by adding NET_RAW to its capabilities"
    : "run as an administrator, or get read access to the devices /dev/bpf*";

function namesOf(devices: () => readonly CaptureDevice[]): string {
  try {
    const names = devices().map(({ name }) => name);
    const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
    return names.length === 0
      ? "none that this process may see"
      : names.slice(0, MAX_NAMES).join(", ") + more;
  } catch {
    return "none that could be listed";
  }
}

/** Creates the error for a running capture that failed. */
export function captureError(device: string, text: string): FlowscribeError {
  // libpcap has no code for this; its message is the same on Linux and the BSDs.
  return text.includes("disappeared")
    ? new FlowscribeError("device_gone", `${device} was removed while it was captured from (${text})`)
    : new FlowscribeError("capture_failed", `capturing from ${device} failed: ${text}`);
}

/** @throws FlowscribeError `capture_failed` with libpcap's message for a negative status. */
export function checkStatus(device: string, handle: PcapHandle, status: number): void {
  if (status < 0) {
    throw new FlowscribeError("capture_failed", `${device} cannot be captured from: ${handle.errorText()}`);
  }
}

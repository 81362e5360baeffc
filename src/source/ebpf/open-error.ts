import { FlowscribeError } from "../../errors/errors.js";
import type { SystemError } from "../native/kernel.js";

/** Properties of this process and its system that explain a failure. */
export interface SystemContext {
  /** Kernel release as printed by `uname -r`. */
  readonly release: string;
  /** Bits of `CapEff` in /proc/self/status. */
  readonly capabilities: bigint;
  /** `ulimit -l` in bytes; undefined if unlimited. */
  readonly memoryLockLimit: number | undefined;
}

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
const CAP_BPF = 39n;
/** First kernel with atomic operations that return the previous value. */
const PROGRAM_KERNEL = [5, 12] as const;
/** First kernel that charges maps to the control group instead of the memory lock limit. */
const CGROUP_KERNEL = [5, 11] as const;
/** First kernel with `BPF_LINK_CREATE` on TCX hooks; on earlier ones, programs are attached as filters. */
export const TCX_KERNEL = [6, 6] as const;
/** Maximum characters of the verifier's log in the message: the end of the log, which names the error. */
const LOG_IN_MESSAGE = 2000;

/**
 * Creates the error for a failed system call; the message says what to do. `error` becomes the cause and has the
 * verifier's whole log.
 */
export function openError(device: string, error: SystemError, context: SystemContext): FlowscribeError {
  const { code, text } = explain(device, error, context);
  return new FlowscribeError(code, `${device} cannot be captured from with eBPF: ${text}`, { cause: error });
}

interface Explanation {
  readonly code: "capture_denied" | "capture_unavailable" | "capture_failed" | "no_such_device";
  readonly text: string;
}

function explain(device: string, { call, code, log }: SystemError, context: SystemContext): Explanation {
  if (code === "ENODEV" || code === "ENXIO") {
    return {
      code: "no_such_device",
      text: `there is no network interface ${device} in this network namespace`,
    };
  }
  const old = tooOld(call, context.release);
  if (code === "ENOSYS") {
    return {
      code: "capture_unavailable",
      text: "this kernel has no bpf(2), or a sandbox blocks it",
    };
  }
  if (code === "EPERM" || code === "EACCES") {
    if (log !== "") return refused(log);
    return explainDenied(call, context);
  }
  if (code === "ENOMEM") return { code: "capture_failed", text: explainMemory(context) };
  if (old !== undefined && ["EINVAL", "EOPNOTSUPP", "E2BIG", "ENOENT"].includes(code)) {
    return { code: "capture_unavailable", text: old };
  }
  if (log.includes("program is too large")) {
    return {
      code: "capture_failed",
      text: "the kernel's verifier gives up on so many filters: add CAP_PERFMON, which spares it most of the work, or use fewer",
    };
  }
  if (log !== "") return refused(log);
  return { code: "capture_failed", text: `${call} failed with ${code}` };
}

function explainDenied(call: string, context: SystemContext): Explanation {
  const missing = missingCapabilities(context.capabilities);
  if (missing.length > 0) {
    return {
      code: "capture_denied",
      text:
        `this process has not got ${missing.join(" and ")}: run it with these capabilities ` +
        "(setcap, systemd AmbientCapabilities=, docker --cap-add) or as root",
    };
  }
  if (call === "BPF_MAP_CREATE" && isBefore(context.release, CGROUP_KERNEL)) {
    return { code: "capture_failed", text: explainMemory(context) };
  }
  return {
    code: "capture_denied",
    text: `${call} is not permitted, though the capabilities are there: does a sandbox (seccomp, lockdown, an LSM) forbid bpf(2)?`,
  };
}

/** A program that the verifier rejects is a bug in this package. */
function refused(log: string): Explanation {
  const end = log.length > LOG_IN_MESSAGE ? `…${log.slice(-LOG_IN_MESSAGE)}` : log;
  return {
    code: "capture_failed",
    text: `the kernel's verifier refuses the program; please report this, with the log (whole in \`cause.log\`):\n${end}`,
  };
}

function explainMemory({ release, memoryLockLimit }: SystemContext): string {
  if (!isBefore(release, CGROUP_KERNEL)) {
    return "no memory for the buffer: the control group's limit (memory.max) is too low, or set a smaller `bufferBytes`";
  }
  const limit = memoryLockLimit === undefined ? "" : `, now ${memoryLockLimit} bytes`;
  return `the buffer does not fit the memory lock limit${limit}: raise it (ulimit -l, LimitMEMLOCK=), or set a smaller \`bufferBytes\``;
}

function tooOld(call: string, release: string): string | undefined {
  const is = `this is Linux ${release}: use flowscribe/source/libpcap`;
  if (isBefore(release, PROGRAM_KERNEL)) return `atomic operations in programs need Linux 5.12, and ${is}`;
  if (call.startsWith("RTM_") && isBefore(release, TCX_KERNEL)) {
    return `the kernel is built without traffic control for programs (NET_CLS_BPF, NET_SCH_INGRESS), and ${is}`;
  }
  return undefined;
}

/** CAP_SYS_ADMIN includes CAP_BPF, but not CAP_NET_ADMIN. */
export function missingCapabilities(capabilities: bigint): readonly string[] {
  const has = (bit: bigint) => ((capabilities >> bit) & 1n) === 1n;
  return [
    ...(has(CAP_BPF) || has(CAP_SYS_ADMIN) ? [] : ["CAP_BPF"]),
    ...(has(CAP_NET_ADMIN) ? [] : ["CAP_NET_ADMIN"]),
  ];
}

/** Whether a kernel release such as "5.10.0-34-amd64" is older than a version. */
export function isBefore(release: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

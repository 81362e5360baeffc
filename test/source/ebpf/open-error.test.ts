import { expect, test } from "vitest";
import {
  isBefore,
  missingCapabilities,
  openError,
  type SystemContext,
} from "../../../src/source/ebpf/open-error.js";
import { SystemError } from "../../../src/source/native/kernel.js";

const EPERM = 1;
const ENOENT = 2;
const ENOMEM = 12;
const ENODEV = 19;
const EINVAL = 22;
const ENOSYS = 38;
const EACCES = 13;
const E2BIG = 7;

const ALL: SystemContext = {
  release: "6.18.4-generic",
  capabilities: 2n ** 41n - 1n,
  memoryLockLimit: undefined,
};
const without = (...bits: bigint[]) =>
  bits.reduce((all, bit) => all & ~(1n << bit), ALL.capabilities & ~(1n << 21n));

test.each<{ name: string; error: SystemError; given?: Partial<SystemContext>; code: string; text: string }>([
  {
    name: "an unknown device",
    error: new SystemError("ioctl(x)", ENODEV),
    code: "no_such_device",
    text: "no network interface eth7",
  },
  {
    name: "a kernel without bpf(2)",
    error: new SystemError("BPF_MAP_CREATE", ENOSYS),
    code: "capture_unavailable",
    text: "no bpf(2)",
  },
  {
    name: "a kernel without TCX and without filters that are programs",
    error: new SystemError("RTM_NEWTFILTER", ENOENT),
    given: { release: "6.1.0-25-amd64" },
    code: "capture_unavailable",
    text: "(NET_CLS_BPF, NET_SCH_INGRESS), and this is Linux 6.1.0-25-amd64: use flowscribe/source/libpcap",
  },
  {
    name: "a kernel without atomic operations that fetch",
    error: new SystemError("BPF_PROG_LOAD", EINVAL, "BPF_STX uses reserved fields"),
    given: { release: "5.10.0" },
    code: "capture_unavailable",
    text: "need Linux 5.12, and this is Linux 5.10.0",
  },
  {
    name: "a missing CAP_NET_ADMIN",
    error: new SystemError("BPF_PROG_LOAD", EPERM),
    given: { capabilities: without(12n) },
    code: "capture_denied",
    text: "this process has not got CAP_NET_ADMIN: run it with",
  },
  {
    name: "a missing CAP_BPF",
    error: new SystemError("BPF_MAP_CREATE", EPERM),
    given: { capabilities: without(39n) },
    code: "capture_denied",
    text: "this process has not got CAP_BPF: run it with",
  },
  {
    name: "a sandbox",
    error: new SystemError("BPF_MAP_CREATE", EPERM),
    code: "capture_denied",
    text: "BPF_MAP_CREATE is not permitted, though the capabilities are there",
  },
  {
    name: "the memory lock limit of an old kernel",
    error: new SystemError("BPF_MAP_CREATE", EPERM),
    given: { release: "5.10.3", memoryLockLimit: 65_536 },
    code: "capture_failed",
    text: "memory lock limit, now 65536 bytes: raise it (ulimit -l",
  },
  {
    name: "the limit of the control group",
    error: new SystemError("BPF_MAP_CREATE", ENOMEM),
    code: "capture_failed",
    text: "(memory.max) is too low",
  },
  {
    name: "a rejection by the verifier, with the end of its log",
    error: new SystemError("BPF_PROG_LOAD", EACCES, `${"x".repeat(5000)}\nR1 type=scalar expected=fp`),
    code: "capture_failed",
    text: "xx\nR1 type=scalar expected=fp",
  },
  {
    name: "a program that is too complex for the verifier",
    error: new SystemError("BPF_PROG_LOAD", E2BIG, "BPF program is too large. Processed 1000001 insn"),
    code: "capture_failed",
    text: "add CAP_PERFMON",
  },
  {
    name: "any other error",
    error: new SystemError("mmap", EINVAL),
    code: "capture_failed",
    text: "mmap failed with EINVAL",
  },
])("openError: describes $name, and what to do", ({ error, given, code, text }) => {
  const explained = openError("eth7", error, { ...ALL, ...given });
  expect(explained).toMatchObject({ code, cause: error });
  expect(explained.message).toContain("eth7 cannot be captured from with eBPF: ");
  expect(explained.message).toContain(text);
  expect(explained.message.length).toBeLessThan(2500);
});

test("missingCapabilities: CAP_SYS_ADMIN includes CAP_BPF, but not CAP_NET_ADMIN", () => {
  expect(missingCapabilities(1n << 21n)).toEqual(["CAP_NET_ADMIN"]);
  expect(missingCapabilities(0n)).toEqual(["CAP_BPF", "CAP_NET_ADMIN"]);
  expect(missingCapabilities((1n << 39n) | (1n << 12n))).toEqual([]);
});

test.each([
  { release: "5.10.0-34-amd64", version: [5, 12], before: true },
  { release: "5.12.0", version: [5, 12], before: false },
  { release: "6.1", version: [5, 12], before: false },
  { release: "4.19.0", version: [5, 8], before: true },
] as const)("isBefore: $release before $version: $before", ({ release, version, before }) => {
  expect(isBefore(release, version)).toBe(before);
});

import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { bindKernel } from "../../../src/source/native/kernel.js";
import type { Koffi } from "../../../src/source/native/koffi.js";
import { describeUnless } from "../../support/shared.js";

const PROGRAM = new Uint8Array(16);
const DESCRIPTOR = 7;

/** How often bpf(2) shall still fail with EAGAIN, and how often it was called. */
const state = { failures: 0, calls: 0 };

// The functions that a program is loaded with; the others are never called.
const koffi = {
  load: () => ({
    func: (prototype: string) => {
      if (prototype.startsWith("long sysconf")) return () => 4096;
      if (!prototype.startsWith("long syscall")) return () => 0;
      return () => {
        state.calls++;
        return state.failures-- > 0 ? -1 : DESCRIPTOR;
      };
    },
  }),
  errno: () => constants.errno.EAGAIN,
  address: () => 0n,
} as unknown as Koffi;

const reason =
  process.platform === "linux" && ["x64", "arm64"].includes(process.arch) ? undefined : "bpf(2) is Linux's";

describeUnless("Kernel.loadProgram", reason, () => {
  describe("when a signal interrupts the verifier", () => {
    test("retries", () => {
      Object.assign(state, { failures: 3, calls: 0 });
      expect(bindKernel(koffi).loadProgram("test", PROGRAM)).toBe(DESCRIPTOR);
      expect(state.calls).toBe(4);
    });

    test("fails after five attempts", () => {
      Object.assign(state, { failures: Number.POSITIVE_INFINITY, calls: 0 });
      expect(() => bindKernel(koffi).loadProgram("test", PROGRAM)).toThrow("BPF_PROG_LOAD: EAGAIN");
      // As often again for the verifier's log.
      expect(state.calls).toBe(10);
    });
  });
});

import { release } from "node:os";
import { isBefore } from "../../../src/source/ebpf/open-error.js";
import { bindKernel, type Kernel } from "../../../src/source/native/kernel.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { describeUnless } from "../../support/shared.js";

const reason = await whyNoEbpf();

/** Why programs cannot be loaded here; undefined if they can. */
async function whyNoEbpf(): Promise<string | undefined> {
  if (process.platform !== "linux") return "eBPF is Linux's";
  if (process.geteuid?.() !== 0) return "not running as root";
  if (isBefore(release(), [6, 6])) return `Linux ${release()} has no TCX`;
  try {
    const kernel = bindKernel(await loadKoffi());
    // return 0
    kernel.close(
      kernel.loadProgram(
        "flowscribe_try",
        Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0),
      ),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A suite that loads programs; `kernel` may be called in tests only. */
export function describeWithEbpf(name: string, body: (kernel: () => Kernel) => void): void {
  describeUnless(name, reason, () => body(() => kernel));
}

const kernel = (reason === undefined ? bindKernel(await loadKoffi()) : undefined) as Kernel;

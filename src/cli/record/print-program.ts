import { EXIT, type ExitCode } from "../exit-code.js";
import type { Io } from "../io/io.js";
import type { RecordCommandOptions } from "./options.js";

/** Prints what the kernel tests, and for eBPF the program, as the recording would use it. */
export async function printProgram(options: RecordCommandOptions, { stdout }: Io): Promise<ExitCode> {
  const { source, expression, flows, limits, direction, bufferBytes } = options;
  const { describeForEbpf, describeForLibpcap } = await import("../../source/describe-selection.js");
  if (flows?.guessReplies === true) {
    await stdout.write("the kernel selects every packet: --guess-replies requires all packets\n");
  }
  const selectsInKernel = flows?.guessReplies !== true;
  const selection = selectsInKernel ? flows?.selection : undefined;
  const include = selectsInKernel ? options.include : undefined;
  if (source === "libpcap") {
    if (selection !== undefined) await stdout.write(describeForLibpcap(selection, include));
    if (selectsInKernel && expression !== undefined) {
      await stdout.write(`--expression, which must match too: ${expression}\n`);
    }
    return EXIT.ok;
  }
  if (selection !== undefined) await stdout.write(describeForEbpf(selection, include));
  const { describeProgram } = await import("../../source/ebpf/index.js");
  // Filters in this process need whole packets.
  const needsWhole = flows !== undefined || expression !== undefined;
  const text = describeProgram(include, {
    ...(selection !== undefined && { flows: selection }),
    snapLength: needsWhole ? 0 : (limits.maxCaptureLength ?? 0),
    direction: direction === "out" ? "egress" : "ingress",
    ...(bufferBytes !== undefined && { bufferBytes }),
  });
  await stdout.write(text);
  return EXIT.ok;
}

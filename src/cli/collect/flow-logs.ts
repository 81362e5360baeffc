import type { CollectOutput } from "../../collect/index.js";
import { type FlowLogConfig, flowLogExport } from "../../observer/index.js";
import { openFlowFile } from "../../sink/export.js";
import type { OpenContext } from "./kind.js";
import { openOutputSink } from "./output-sink.js";

/** Opens an output for an element of Hubble's `flowLogs`. */
export async function openFlowLog(log: FlowLogConfig, { io, messages }: OpenContext): Promise<CollectOutput> {
  const { path, options } = flowLogExport(log);
  const { allow, deny, fieldMask, end, maxFileBytes, maxBackups, compress } = options;
  const sink =
    path === undefined
      ? openOutputSink(io.stdout)
      : await openFlowFile(path, {
          clock: io.clock,
          onBackupError: ({ message }) => messages.report(message),
          ...(maxFileBytes !== undefined && { maxFileBytes }),
          ...(maxBackups !== undefined && { maxBackups }),
          ...(compress !== undefined && { compress }),
        });
  return {
    name: `flowLogs ${log.name}`,
    sink,
    ...(allow && { allow }),
    ...(deny && { deny }),
    ...(fieldMask && { fieldMask }),
    ...(end && { end }),
  };
}

import type { CollectOutput } from "../../collect/index.js";
import { parseDuration } from "../../go/time/duration.js";
import { type FlowLogConfig, flowLogExport } from "../../observer/index.js";
import { openFlowFile } from "../../sink/export.js";
import type { OpenContext } from "./kind.js";
import { openOutputSink } from "./output-sink.js";

/** The interval of an element of `flowLogs` in milliseconds: a duration of Go, or nanoseconds; 0 if it is absent or invalid. */
export function intervalMsOf(interval: FlowLogConfig["aggregationInterval"]): number {
  if (typeof interval === "number") return interval / 1e6;
  const duration = typeof interval === "string" ? parseDuration(interval) : undefined;
  return duration !== undefined && "value" in duration ? Number(duration.value) / 1e6 : 0;
}

/** Opens an output for an element of Hubble's `flowLogs`. */
export async function openFlowLog(log: FlowLogConfig, { io, messages }: OpenContext): Promise<CollectOutput> {
  const { fieldAggregate = [], aggregationInterval, ...rest } = log;
  const { path, options } = flowLogExport(rest);
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
    // Hubble writes only the fields.
    ...(fieldAggregate.length > 0 && {
      aggregate: { fields: fieldAggregate, keep: "fields", intervalMs: intervalMsOf(aggregationInterval) },
    }),
  };
}

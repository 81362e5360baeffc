import { type DebugEvent, DebugEventTypeSchema, type Endpoint } from "../../../gen/flow/flow_pb.js";
import { enumName } from "../../../message/proto-text.js";
import type { Stamped } from "../stamped.js";
import { type EventForm, stampFields, stampText } from "../style.js";

/** The output of `hubble observe debug-events`. */
export const DEBUG_EVENT_FORM: EventForm<Stamped<DebugEvent>> = {
  table: "debug events",

  compact: ({ event, time, nodeName }, style) => {
    const stamp = stampText(style.time(time), nodeName, style);
    const { from, type, mark, cpu, message } = describe(event, style.clean);
    return `${stamp}: ${from} ${type} MARK: ${mark} CPU: ${cpu} (${message})`;
  },

  fields: ({ event, time, nodeName }, style) => {
    const { from, type, mark, cpu, message } = describe(event, style.clean);
    return [
      ...stampFields(style.time(time), nodeName, style),
      ["TYPE", type],
      ["FROM", from],
      ["MARK", mark],
      ["CPU", cpu],
      ["MESSAGE", message],
    ];
  },

  cells: ({ event, time, nodeName }, style) => {
    const { from, type, mark, cpu, message } = describe(event, style.clean);
    return [
      ...stampFields(style.time(time), nodeName, style),
      ["FROM", from],
      // Hubble has an empty column here.
      ["", ""],
      ["TYPE", type],
      ["CPU/MARK", `${cpu} ${mark}`],
      ["MESSAGE", message],
    ];
  },

  // As in Hubble (`printer.go`), the separator has no line feed.
  separator: "------------",
};

function describe({ source, type, hash, cpu, message }: DebugEvent, clean: (text: string) => string) {
  return {
    from: clean(formatEndpoint(source)),
    type: enumName(DebugEventTypeSchema, type),
    mark: hash === undefined ? "N/A" : `0x${hash.toString(16)}`,
    cpu: cpu === undefined ? "N/A" : formatCpu(cpu),
    message: clean(message),
  };
}

/** Go's `%02d`: the sign counts toward the width. */
function formatCpu(cpu: number): string {
  return cpu < 0 ? String(cpu) : String(cpu).padStart(2, "0");
}

function formatEndpoint(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) return "N/A";
  const { ID: id, namespace, podName, labels } = endpoint;
  if (namespace !== "" && podName !== "") return `${namespace}/${podName} (ID: ${id})`;
  const [label] = labels;
  return labels.length === 1 && label?.startsWith("reserved:") ? `${label} (ID: ${id})` : `ID: ${id}`;
}

import { checkArgument } from "../../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../../errors/check-options.js";
import { aBoolean, aMessage, oneOf } from "../../../errors/value-checks.js";
import type { ServerStatusResponse } from "../../../gen/observer/observer_pb.js";
import { formatFixed2 } from "../../../go/strconv/format-float.js";
import { formatDuration } from "../../../go/time/duration.js";
import { aHubbleVersion, type HubbleVersion, rulesOf } from "../../../hubble/version.js";
import { createEscape, type Escape } from "../escape.js";
import type { OutputFormat } from "../output-format.js";
import type { Field } from "../style.js";
import { createTable } from "../table.js";
import { formatRecord } from "../writer.js";

/** Options for printing a server's status. */
export interface FormatStatusOptions {
  /** The output format, as in `hubble status -o`. Default `compact`. */
  readonly output?: StatusFormat | undefined;
  /** The version of Hubble whose output is printed. Default `1.16`. It only matters with `rawControls`. */
  readonly hubble?: HubbleVersion | undefined;
  /** Whether control characters are printed as the version does: as they are, or ESC and CR escaped. Default false. */
  readonly rawControls?: boolean | undefined;
}

const A_STATUS = aMessage<ServerStatusResponse>("observer.ServerStatusResponse");

/**
 * Formats the server status as `hubble status` prints it, without the final line feed: `compact` as a few lines, `dict`
 * as one line per value, `tab` and `table` as a heading and one row. Control characters are escaped, unless
 * `rawControls` is set.
 *
 * @throws OptionsError; TypeError if `status` is not a ServerStatusResponse.
 */
export function formatServerStatus(status: ServerStatusResponse, options: FormatStatusOptions = {}): string {
  checkArgument("formatServerStatus", "status", status, A_STATUS);
  checkOptions("formatServerStatus", options, STATUS_OPTIONS);
  const { output = "compact", hubble, rawControls = false } = options;
  return STATUS_FORMATS[output](status, createEscape(rawControls ? rulesOf(hubble).escapes : "all", false));
}

/** The formats of a status that are text. JSON is the form of the message. */
type StatusFormat = Exclude<OutputFormat, "json" | "jsonpb">;

/** Exhaustive: a new format does not compile until it is listed here or excluded from {@link StatusFormat}. */
const STATUS_FORMATS: {
  readonly [K in StatusFormat]: (status: ServerStatusResponse, clean: Escape) => string;
} = {
  compact: (status, clean) => compactLines(status, clean).join("\n"),
  dict: (status, clean) =>
    formatRecord(describe(status, "NUM UNAVAIL. NODES", clean), LABEL_WIDTH).slice(0, -"\n".length),
  tab: formatTable,
  table: formatTable,
};

const STATUS_OPTIONS: OptionTable<FormatStatusOptions> = {
  // The keys of the table are the formats.
  output: oneOf(...(Object.keys(STATUS_FORMATS) as StatusFormat[])),
  hubble: aHubbleVersion,
  rawControls: aBoolean,
};

function formatTable(status: ServerStatusResponse, clean: Escape): string {
  const fields = describe(status, "NUM UNAVAILABLE NODES", clean);
  const table = createTable();
  table.add(fields.map(([label]) => label));
  table.add(fields.map(([, value]) => value));
  return table.flush().slice(0, -"\n".length);
}

const LABEL_WIDTH = "NUM CONNECTED NODES".length;

function describe(status: ServerStatusResponse, unavailableLabel: string, clean: Escape): Field[] {
  const { numFlows, maxFlows, seenFlows, flowsRate, uptimeNs } = status;
  return [
    ["NUM FLOWS", groupDigits(numFlows)],
    ["MAX FLOWS", groupDigits(maxFlows)],
    ["SEEN FLOWS", groupDigits(seenFlows)],
    ["FLOWS PER SECOND", flowsRate > 0 ? formatFixed2(flowsRate) : "N/A"],
    ["UPTIME", formatDuration(uptimeNs)],
    ["NUM CONNECTED NODES", String(status.numConnectedNodes ?? "N/A")],
    [unavailableLabel, String(status.numUnavailableNodes ?? "N/A")],
    ["VERSION", clean(status.version)],
  ];
}

function compactLines(status: ServerStatusResponse, clean: Escape): string[] {
  const { numFlows, maxFlows, numConnectedNodes: connected, numUnavailableNodes: unavailable } = status;
  const ratio = maxFlows > 0n ? ` (${formatFixed2((Number(numFlows) / Number(maxFlows)) * 100)}%)` : "";
  const lines = [
    `Current/Max Flows: ${groupDigits(numFlows)}/${groupDigits(maxFlows)}${ratio}`,
    `Flows/s: ${flowsPerSecond(status)}`,
  ];
  if (connected !== undefined) {
    // Both are 32 bits wide, and Go's sum wraps around.
    const all = unavailable === undefined ? "" : `/${(connected + unavailable) >>> 0}`;
    lines.push(`Connected Nodes: ${connected}${all}`);
  }
  if (unavailable !== undefined && unavailable > 0) {
    lines.push(
      `Unavailable Nodes: ${unavailable}`,
      ...unavailableLines(status.unavailableNodes, unavailable, clean),
    );
  }
  return lines;
}

/** If the server does not report a rate, the mean since its start. */
function flowsPerSecond({ flowsRate, seenFlows, uptimeNs }: ServerStatusResponse): string {
  if (flowsRate > 0) return formatFixed2(flowsRate);
  // Go converts to a signed integer.
  const uptime = BigInt.asIntN(64, uptimeNs);
  if (uptime <= 0n) return "N/A";
  const seconds = Number(uptime / 1_000_000_000n) + Number(uptime % 1_000_000_000n) / 1e9;
  return formatFixed2(Number(seenFlows) / seconds);
}

function unavailableLines(names: readonly string[], count: number, clean: Escape): string[] {
  if (names.length === 0) return [];
  const sorted = [...names].sort().map(clean);
  if (count > sorted.length) sorted.push(`and ${count - sorted.length} more...`);
  return sorted.map((name) => `  - ${name}`);
}

function groupDigits(count: bigint): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

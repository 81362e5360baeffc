import { onAbort } from "../../async/abort.js";
import type { AddressBook } from "../../collect/index.js";
import { packetPart } from "../../filter/packet-part.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { FlowComments } from "../../observer/comments/flow-comments.js";
import type { PacketSource } from "../../packet/source.js";
import {
  createFlightRecorder,
  type FlightCapture,
  type FlightResult,
} from "../../recorder/flight/flight-recorder.js";
import type { OpenSink } from "../../recorder/sink.js";
import { STANDARD_INPUT } from "../input/open.js";
import type { InputReport } from "../input/report.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import type { FlightCommandOptions } from "./flight-options.js";
import type { RecordCommandOptions } from "./options.js";
import { formatLine } from "./status.js";

/** What {@link recordFlight} needs besides the options. */
export interface FlightOutput {
  /** Opens the sink of the next capture. */
  readonly openSink: OpenSink;
  /** Prints a line of the results. */
  readonly print: (text: string) => Promise<void>;
  /** Comments that learn from the flows of the events; undefined if packets are not commented. */
  readonly comments: FlowComments | undefined;
  /** Learns, too; undefined if names are not resolved. */
  readonly book: AddressBook | undefined;
}

const ABOUT_MORE =
  "The trigger tests more than addresses, ports, protocols and TCP flags, but packets contain no names, labels or verdicts. " +
  "Set --server or --events to test Hubble's flows.";

const FLAGS_ABOUT_MORE =
  "The flow flags select packets before the trigger is tested, but packets contain no names, labels or verdicts: put such flags " +
  "into --trigger, and set --scope.";

/** Runs a flight recorder until the source ends or the signal of the io is aborted. */
export async function recordFlight(
  source: PacketSource,
  flight: FlightCommandOptions,
  {
    device,
    flows,
    guessReplies,
    tunnels,
  }: Pick<RecordCommandOptions, "device" | "flows" | "guessReplies" | "tunnels">,
  { openSink, print, comments, book }: FlightOutput,
  io: Io,
  messages: Messages,
  inputs: InputReport,
): Promise<FlightResult> {
  const { trigger, hubble, events, ringBytes, beforeMs, afterMs, skewMs, scope, maxPerMinute } = flight;
  await using opened = await openEvents(events, flight, io, messages, inputs);
  if (flows?.part?.exact === false && !guessReplies) messages.report(FLAGS_ABOUT_MORE);
  if (opened.events === undefined && !packetPart(trigger, { hubble }).exact) messages.report(ABOUT_MORE);
  let failure: Error | undefined;
  // Errors are ignored: a closed output does not stop the recorder.
  let printing = Promise.resolve();
  const printLine = (label: "Result" | "Output", text: string): void => {
    const line = `${formatLine(io.clock.now(), label, text)}\n`;
    printing = printing.then(() => print(line)).catch(() => {});
  };
  const report = (capture: FlightCapture): void => {
    failure ??= capture.error;
    printLine("Result", formatCapture(capture));
    if (capture.filePath !== undefined) printLine("Output", capture.filePath);
    if (capture.error !== undefined) messages.report(capture.error.message);
  };
  const recorder = createFlightRecorder(source, {
    trigger,
    filter: { hubble },
    sink: openSink,
    onCapture: report,
    clock: io.clock,
    flow: { guessReplies, tunnels },
    ...(opened.events !== undefined && {
      events: learning(opened.events, comments, book),
      paced: device === undefined,
    }),
    ...(ringBytes !== undefined && { ringBytes }),
    ...(beforeMs !== undefined && { beforeMs }),
    ...(afterMs !== undefined && { afterMs }),
    ...(skewMs !== undefined && { skewMs }),
    ...(scope !== undefined && { scope }),
    ...(maxPerMinute !== undefined && { maxPerMinute }),
  });
  if (device !== undefined) messages.report("Waiting for the trigger. Press CTRL+C to stop.");
  const removeListener = onAbort(io.signal, () => recorder.stop());
  try {
    const result = await recorder.stopped;
    if (failure !== undefined) throw failure;
    return result;
  } finally {
    removeListener();
    printLine("Result", formatTotals(recorder.stats));
    await printing;
  }
}

async function* learning<T extends GetFlowsResponse | ExportEvent>(
  events: AsyncIterable<T>,
  comments: FlowComments | undefined,
  book: AddressBook | undefined,
): AsyncGenerator<T, void, undefined> {
  for await (const event of events) {
    book?.learn(event);
    if (event.responseTypes.case === "flow") comments?.learn(event.responseTypes.value);
    yield event;
  }
}

function formatCapture({ number, packets, bytes, triggers, error }: FlightCapture): string {
  const failed = error === undefined ? "" : ", then failed";
  return `capture ${number}: ${countOf(packets, "packet")} (${bytes} bytes) written for ${countOf(triggers, "trigger")}${failed}`;
}

function formatTotals(stats: FlightResult["stats"]): string {
  const { captures, packetsSeen, packetsWritten, packetsLost, packetsLostInKernel, triggersLimited } = stats;
  const lost = packetsLost + packetsLostInKernel;
  return [
    `${countOf(captures, "capture")}, ${packetsWritten} of ${packetsSeen} packets written`,
    ...(lost > 0 ? [`${countOf(lost, "packet")} lost`] : []),
    ...(triggersLimited > 0 ? [`${countOf(triggersLimited, "trigger")} above --max-per-minute`] : []),
  ].join(", ");
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

interface OpenedEvents extends AsyncDisposable {
  /** Undefined if packets are tested. */
  readonly events: AsyncIterable<GetFlowsResponse | ExportEvent> | undefined;
}

const NO_EVENTS: OpenedEvents = { events: undefined, [Symbol.asyncDispose]: async () => {} };

async function openEvents(
  events: FlightCommandOptions["events"],
  { trigger, hubble }: FlightCommandOptions,
  io: Io,
  messages: Messages,
  report: InputReport,
): Promise<OpenedEvents> {
  if (events === undefined) return NO_EVENTS;
  if ("file" in events) {
    const { file } = events;
    const name = file === STANDARD_INPUT ? "standard input" : file;
    const onUnreadable = ({ message }: { readonly message: string }) => report.skipped("line", name, message);
    const { exportLines } = await import("./hubble-events.js");
    return { ...NO_EVENTS, events: exportLines(file, io, onUnreadable) };
  }
  const { serverFlows } = await import("./hubble-events.js");
  return serverFlows(events.server, { ...trigger, follow: true }, hubble, io, messages);
}

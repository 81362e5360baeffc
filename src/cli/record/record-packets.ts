import { onAbort, relayAbort, unlessAborted } from "../../async/abort.js";
import type { AddressBook } from "../../collect/index.js";
import { cutText } from "../../errors/cut-text.js";
import { FlowscribeError } from "../../errors/errors.js";
import { codeOf } from "../../errors/message.js";
import type { Resolution } from "../../packet/batch.js";
import type { BatchStage } from "../../packet/derive-source.js";
import { compilePacketFilter } from "../../packet/filter/filter.js";
import { cutRecords } from "../../packet/filter/select.js";
import { linkTypeName } from "../../packet/link-type.js";
import type { PacketSource } from "../../packet/source.js";
import { annotatedSink } from "../../recorder/annotated-sink.js";
import { type RecordingResult, record } from "../../recorder/recording.js";
import type { OpenSink, PacketSink } from "../../recorder/sink.js";
import type { RecordingStats } from "../../recorder/stats.js";
import { fileSink, namedFileSink } from "../../sink/file.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { createInputReport, type InputReport } from "../input/report.js";
import { interruptionCode } from "../io/interruption.js";
import { BrokenPipe, type Io, UnreadOutput } from "../io/io.js";
import { createMessages, type Messages } from "../io/messages.js";
import { endWithReader } from "../io/output-closed.js";
import type { NameRecording } from "./by-name.js";
import type { FlightCommandOptions } from "./flight-options.js";
import { type RecordCommandOptions, requestOf } from "./options.js";
import { type OutputExtras, openExtras } from "./output/extras.js";
import { nextFile, numbered } from "./output/numbered-file.js";
import { STANDARD_OUTPUT } from "./output/output-options.js";
import { streamSink } from "./output/stream-sink.js";
import { type OpenedCaptures, openCaptures } from "./packets/inputs.js";
import { type OpenedPackets, openLive } from "./packets/live.js";
import { withPrecision } from "./packets/precision.js";
import { reportInput } from "./packets/report-input.js";
import { packetStage, selectPackets } from "./packets/select.js";
import { formatCounts, formatCountsWithoutReader, formatLine, showStatus } from "./status.js";

/** Maximum characters of an expression to quote in a message. */
const QUOTED_LENGTH = 200;

/** Records packets until the source ends, a limit is reached, or the signal of the io is aborted. */
export async function recordPackets(options: RecordCommandOptions, io: Io): Promise<ExitCode> {
  if (options.output.target.kind !== "stdout") return recordUntilSignal(options, io);
  using watched = endWithReader(io);
  return await recordUntilSignal(options, watched);
}

async function recordUntilSignal(options: RecordCommandOptions, io: Io): Promise<ExitCode> {
  const messages = createMessages(io, { silent: options.silent });
  const report = createInputReport(messages);
  await using names = await openNames(options, io, messages);
  const opened = await openSource(options, io, report, messages, names);
  if (opened === undefined) return interruptionCode(io.signal) ?? EXIT.failed;
  const { source, inputs } = opened;
  try {
    const result = await (options.flight === undefined
      ? recordFrom(source, options, io, messages, names)
      : recordFlightFrom(source, options.flight, options, io, messages, report));
    names?.check();
    for (const input of inputs) reportInput(input, options, report, messages);
    // A live recording is expected to end with an interruption.
    const endedWell = result !== undefined && (result.reason !== "requested" || options.device !== undefined);
    const interrupted = endedWell ? undefined : interruptionCode(io.signal);
    if (interrupted !== undefined) return interrupted;
    if (report.hasFailed) return EXIT.failed;
    return options.strictInput && report.isIncomplete ? EXIT.incomplete : EXIT.ok;
  } finally {
    await source[Symbol.asyncDispose]();
  }
}

/** Begins to learn names, if packets are recorded by name. Loads the modules for that only then. */
async function openNames(
  { names, ...options }: RecordCommandOptions,
  io: Io,
  messages: Messages,
): Promise<NameRecording | undefined> {
  if (names === undefined) return undefined;
  const { NameRecording } = await import("./by-name.js");
  const opened = new NameRecording({ ...options, names }, io);
  await opened.start(io, messages);
  return opened;
}

/**
 * Opens the packets to record, with all filters applied. Undefined if nothing could be opened, which has been reported.
 */
async function openSource(
  options: RecordCommandOptions,
  io: Io,
  report: InputReport,
  messages: Messages,
  names: NameRecording | undefined,
): Promise<OpenedCaptures | undefined> {
  const opened = await openAny(options, io, report, names);
  if (opened === undefined) return undefined;
  // Further stages would copy the packets.
  if (opened.isKept) return opened;
  try {
    const stages = await stagesOf(options, opened, messages, names);
    const source = prepare(names?.select(opened.source, io, messages) ?? opened.source, stages, options);
    return { source, inputs: opened.inputs };
  } catch (error) {
    await opened.source[Symbol.asyncDispose]();
    throw error;
  }
}

async function openAny(
  options: RecordCommandOptions,
  io: Io,
  report: InputReport,
  names: NameRecording | undefined,
): Promise<OpenedPackets | undefined> {
  const { device } = options;
  if (device === undefined) {
    // Opening a pipe may never end, as its writer may never start.
    const captures = await openedUnlessAborted(openCaptures(options.inputs, io, report), io.signal);
    return captures && { ...captures, selectsInclude: false, selectsExpression: false, isKept: false };
  }
  // A separate signal: once open, the capture is to be stopped gracefully, not aborted.
  const opening = new AbortController();
  const removeRelay = relayAbort(io.signal, opening);
  try {
    if (io.signal.aborted) return undefined;
    return await openLive({ ...options, device }, opening.signal, names?.addresses);
  } catch (error) {
    if (io.signal.aborted) return undefined;
    throw error;
  } finally {
    removeRelay();
  }
}

/** Undefined if the signal is aborted first; captures that are opened afterwards are disposed of. */
async function openedUnlessAborted(
  opening: Promise<OpenedCaptures | undefined>,
  signal: AbortSignal,
): Promise<OpenedCaptures | undefined> {
  const opened = await unlessAborted(opening, signal);
  if (opened === undefined) opening.then((late) => late?.source[Symbol.asyncDispose]()).catch(() => {});
  return opened;
}

/**
 * The filters that are still to be applied, the cheapest first. Guessing replies requires all packets, so the flow
 * stage then comes first.
 */
async function stagesOf(
  { include, expression, flows }: RecordCommandOptions,
  { source, selectsInclude, selectsExpression }: OpenedPackets,
  messages: Messages,
  names: NameRecording | undefined,
): Promise<BatchStage[]> {
  const stages: BatchStage[] = [];
  if (include !== undefined && !selectsInclude) stages.push(packetStage(compilePacketFilter(include)));
  if (expression !== undefined && !selectsExpression) {
    const { compileExpression } = await import("../../source/libpcap/index.js");
    const linkTypes = new Set(source.interfaces.map(({ linkType }) => linkType));
    stages.push(
      packetStage(
        await compileExpression(expression, {
          linkTypes,
          onFault: (linkType, message) =>
            messages.report(
              `${JSON.stringify(cutText(expression, QUOTED_LENGTH))} matches no packet of ${linkTypeName(linkType)}: ${message}`,
            ),
        }),
      ),
    );
  }
  if (flows === undefined) return stages;
  const { flowStage } = await import("./packets/flow-stage.js");
  const lookups = names === undefined ? {} : { lookups: names.book.lookups() };
  const byFlow = flowStage({ ...flows, ...lookups }, source.interfaces);
  return flows.guessReplies ? [byFlow, ...stages] : [...stages, byFlow];
}

function prepare(
  source: PacketSource,
  stages: readonly BatchStage[],
  { output: { fileFormat, precision }, flight, limits: { maxCaptureLength = 0 } }: RecordCommandOptions,
): PacketSource {
  const cut: BatchStage = (batch, writable) => cutRecords(batch, maxCaptureLength, writable);
  // Other recordings cut their packets themselves.
  const cuts = flight === undefined || maxCaptureLength === 0 ? [] : [cut];
  const selected = selectPackets(source, [...stages, ...cuts]);
  // The pcap encoder converts units itself; pcapng stores the unit per interface.
  return precision === undefined || fileFormat === "pcap" ? selected : withPrecision(selected, precision);
}

async function recordFlightFrom(
  source: PacketSource,
  flight: FlightCommandOptions,
  options: RecordCommandOptions,
  io: Io,
  messages: Messages,
  report: InputReport,
): Promise<Pick<RecordingResult, "reason">> {
  const { recordFlight } = await import("./flight.js");
  const book = options.output.resolvesNames ? await createBook(io) : undefined;
  using extras = await openExtras(options, io, book);
  const { output, filePrefix } = options;
  const { target } = output;
  let files = 0;
  const openSink: OpenSink = (request) => {
    files = nextFile(target, files);
    const own = { ...options, output: { ...output, target: numbered(target, files) } };
    const open = openSinkOf(own, source, io, extras, () => {});
    return open(filePrefix === undefined ? request : { ...request, filePrefix });
  };
  const print = async (text: string) => io.stdout.write(text);
  const result = await recordFlight(
    source,
    flight,
    options,
    { openSink, print, comments: extras.comments, book },
    io,
    messages,
    report,
  );
  reportMissingSecrets(extras, messages);
  return result;
}

async function createBook({ clock }: Io): Promise<AddressBook> {
  const { createAddressBook } = await import("../../collect/index.js");
  return createAddressBook({ clock });
}

/** Undefined if the recording was interrupted before it started. */
async function recordFrom(
  source: PacketSource,
  options: RecordCommandOptions,
  io: Io,
  messages: Messages,
  names: NameRecording | undefined,
): Promise<RecordingResult | undefined> {
  const results = createResults(options, io, messages);
  using extras = await openExtras(options, io, names?.book);
  const openSink = openSinkOf(options, source, io, extras, results.output);
  const isLive = options.device !== undefined;
  let sink: PacketSink | undefined;
  let hasReader = true;
  const neverBegun = new AbortController();
  const recording = record(source, requestOf(options), {
    sink: async (request) => {
      sink = await openSink(request);
      if (isLive) messages.report("Started recording. Press CTRL+C to stop.");
      return sink;
    },
    clock: io.clock,
    signal: neverBegun.signal,
  });
  const stop = () => {
    hasReader = !(io.signal.reason instanceof BrokenPipe);
    messages.report(hasReader ? "Stopping recording..." : "The output was closed, stopping recording...");
    if (sink === undefined) neverBegun.abort(io.signal.reason);
    else recording.stop();
  };
  const removeListener = onAbort(io.signal, stop);
  const endStatus = showStatus(messages, io.clock, () => recording.stats);
  try {
    return await recording.stopped;
  } catch (error) {
    if (neverBegun.signal.aborted) return undefined;
    if (error instanceof BrokenPipe || error instanceof UnreadOutput) hasReader = false;
    throw error;
  } finally {
    endStatus();
    removeListener();
    // A recording that has not started has no result.
    reportMissingSecrets(extras, messages);
    if (sink !== undefined) await results.end(recording.stats, sink.filePath, hasReader);
  }
}

function reportMissingSecrets({ fault }: OutputExtras, messages: Messages): void {
  if (fault !== undefined) messages.report(`${fault}; later secrets are not written`);
}

/** The result lines of `hubble record`; on standard error if the capture goes to standard output. */
interface Results {
  /** Reports a completed file. */
  output(path: string): void;
  /** @param path The current file; undefined for standard output. */
  end(stats: RecordingStats, path: string | undefined, hasReader: boolean): Promise<void>;
}

function createResults(
  { output: { target } }: RecordCommandOptions,
  { clock, stdout, stderr }: Io,
  messages: Messages,
): Results {
  const stream = target.kind === "stdout" ? stderr : stdout;
  /** Pending writes, awaited only at the end. Errors are ignored: a closed output does not stop the recording. */
  let writing: Promise<unknown> = Promise.resolve();
  const print = (label: "Result" | "Output", text: string) => {
    messages.clearStatus();
    const line = `${formatLine(clock.now(), label, text)}\n`;
    writing = writing.then(() => stream.write(line)).catch(() => {});
  };
  return {
    output: (path) => print("Output", path),
    end: async (stats, path, hasReader) => {
      print("Result", hasReader ? formatCounts(stats) : formatCountsWithoutReader(stats));
      print("Output", path ?? STANDARD_OUTPUT);
      await writing;
    },
  };
}

function openSinkOf(
  { output, device }: RecordCommandOptions,
  { interfaces }: PacketSource,
  { stdout }: Io,
  { comments, additions }: OutputExtras,
  onFile: (path: string) => void,
): OpenSink {
  const { target, fileFormat, precision, rotation, nodeName } = output;
  const resolution = precision ?? (device === undefined ? finest(interfaces) : "us");
  const files = {
    fileFormat,
    resolution,
    ...(rotation && { rotation, onFile }),
    ...(comments && { comments }),
    ...(additions && { additions }),
  };
  switch (target.kind) {
    case "stdout":
      return annotatedSink(
        streamSink(stdout, { fileFormat, resolution, ...(additions && { additions }) }),
        comments,
      );
    case "file":
      return namingOverwrite(
        target.path,
        namedFileSink(target.path, { ...files, overwrite: target.overwrite }),
      );
    case "folder":
      return fileSink(target.path, { ...files, ...(nodeName !== undefined && { nodeName }) });
  }
}

/** Wraps a sink: the error for an existing file names the command line flag instead of the sink's option. */
function namingOverwrite(path: string, open: OpenSink): OpenSink {
  return async (request) => {
    try {
      return await open(request);
    } catch (error) {
      if (!(error instanceof FlowscribeError) || codeOf(error.cause) !== "EEXIST") throw error;
      throw new FlowscribeError("sink_failed", `${path}: file already exists; --overwrite replaces it`, {
        cause: error,
      });
    }
  };
}

/** The finest unit of the interfaces known so far. */
function finest(interfaces: PacketSource["interfaces"]): Resolution {
  return interfaces.some(({ resolution }) => resolution === "ns") ? "ns" : "us";
}

import { iterateUnlessAborted } from "../../async/iterate-or-abort.js";
import { DEFAULT_HUBBLE_VERSION, type HubbleVersion } from "../../hubble/version.js";
import { createFlowPrinter, type FlowPrinter } from "../../observer/index.js";
import { reportOnce } from "../../observer/report-once.js";
import { selectMatching } from "../../observer/select-matching.js";
import type { ServerOptions } from "../client/options.js";
import type { Command } from "../command.js";
import { compileFilters, compilePacketPart } from "../compile-filters.js";
import { UsageError } from "../error-text.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { versionOfServer } from "../flags/hubble-version.js";
import { formatHelp, helpColumns } from "../help.js";
import type { EventReader, InputEvent } from "../input/events.js";
import { followAll } from "../input/follow.js";
import { STANDARD_INPUT } from "../input/open.js";
import { type ReadContext, readAll } from "../input/read-all.js";
import { createInputReport, type InputReport } from "../input/report.js";
import { interruptionCode } from "../io/interruption.js";
import type { Io } from "../io/io.js";
import { createMessages, type Messages } from "../io/messages.js";
import { endWithReader } from "../io/output-closed.js";
import type { GroupOutput } from "./aggregate/print-groups.js";
import { ALL_OBSERVE_FLAGS, OBSERVE_GROUPS } from "./flags.js";
import { givenVersion, type ObserveOptions, readObserveOptions } from "./options.js";
import { printEvents } from "./print.js";
import { skipUnencodable } from "./skip-unencodable.js";

/** `flowscribe observe`: like `hubble observe --input-file`, for any number of files, which may be captures. */
export const observe: Command = {
  name: "observe",
  help: {
    usage: ["observe [FLAGS] [FILE...]", "observe [FLAGS] -", "observe --server ADDRESS [FLAGS]"],
    text: [
      "Print the flows of export files, captures and servers, filtered and formatted like hubble observe.",
      "FILE is an export file (the output of Hubble's exporter or of hubble observe -o jsonpb) or a capture (pcap, pcapng), optionally " +
        "gzipped; its content determines the format. - is standard input, the default. Files are read one after the other; --first and " +
        "--last count over all of them.",
      "Repeated flags are alternatives; different flags must all match. --not inverts the next filter flag.",
    ],
    examples: [
      {
        what: "flows dropped in the namespace shop",
        command: "flowscribe observe --verdict DROPPED -n shop events.log",
      },
      {
        what: "the last ten DNS flows of all files, as a table",
        command: "flowscribe observe --protocol dns --last 10 -o table *.log.gz",
      },
      {
        what: "connections opened in a capture, except port 22",
        command: "flowscribe observe --tcp-flags SYN --not --port 22 capture.pcap",
      },
      {
        what: "follow the exporter's file, as JSON",
        command: "flowscribe observe -f --since 0s -o jsonpb /var/run/cilium/hubble/events.log",
      },
      {
        what: "flows of a cluster, with a filter that its Hubble version does not support",
        command:
          "hubble observe -f -o jsonpb | flowscribe observe --cel-expression '_flow.l4.TCP.destination_port > 1024u'",
      },
      {
        what: "the lines of dropped flows, unchanged and without parsing them",
        command: "flowscribe observe --verdict DROPPED -o raw events.log > dropped.log",
      },
      {
        what: "flows dropped in a cluster, from Relay, through kubectl",
        command: "flowscribe observe --port-forward --verdict DROPPED --follow",
      },
      {
        what: "which pods talk to which ports, as a table that is updated",
        command:
          "flowscribe observe -P -f --aggregate-by source.pod_name,destination.pod_name,l4.TCP.destination_port",
      },
      {
        what: "why a flow does not pass",
        command:
          "flowscribe observe --uuid 6c1c… -o jsonpb events.log | flowscribe observe --explain --pod shop/cart",
      },
    ],
    groups: OBSERVE_GROUPS,
  },
  flags: ALL_OBSERVE_FLAGS,

  async run(args, io) {
    const given = givenVersion(args, io);
    const options = await readForAnyVersion(args, io, given);
    if (options.help) {
      await io.stdout.write(formatHelp(observe, helpColumns(io.stdout)));
      return EXIT.ok;
    }
    if (options.printRawFilters) {
      const { formatFlowFlags } = await import("../../observer/flags/format.js");
      await io.stdout.write(formatFlowFlags(options.selection));
      return EXIT.ok;
    }
    using watched = endWithReader(io);
    return await (options.server === undefined
      ? observeInputs(options, watched)
      : observeServer(options.server, options, { args, given }, watched));
  },
};

/**
 * Reads the options and compiles the filters as 1.16 unless a version is given. If they are invalid there but valid in
 * 1.19 and a server is to be asked, its version decides: {@link observeServer} reads them again.
 */
async function readForAnyVersion(
  args: readonly string[],
  io: Io,
  given: HubbleVersion | undefined,
): Promise<ObserveOptions> {
  const read = async (hubble: HubbleVersion | undefined) => {
    const options = readObserveOptions(args, io, hubble);
    if (options.server !== undefined && !options.help) await compileFilters(options.selection, hubble);
    return options;
  };
  try {
    return await read(given);
  } catch (fault) {
    if (given !== undefined) throw fault;
    const other = await read("1.19").catch(() => undefined);
    if (other?.server === undefined || other.printRawFilters || other.help) throw fault;
    return other;
  }
}

/** The command line of a run, to read it again for the version of the server. */
interface CommandLine {
  readonly args: readonly string[];
  readonly given: HubbleVersion | undefined;
}

async function observeServer(
  wanted: ServerOptions,
  { silentErrors, selection: { follow } }: ObserveOptions,
  { args, given }: CommandLine,
  io: Io,
): Promise<ExitCode> {
  const messages = createMessages(io, { silent: silentErrors });
  const report = createInputReport(messages);
  // Load the modules for networking only when they are needed.
  const [{ reachServer }, { serverEvents }] = await Promise.all([
    import("../client/connect.js"),
    import("./server.js"),
  ]);
  const reached = await reachServer(wanted, io, messages).catch((error: unknown) => {
    if (io.signal.aborted) return undefined;
    throw error;
  });
  if (reached === undefined) return (follow === true ? undefined : interruptionCode(io.signal)) ?? EXIT.ok;
  await using connection = reached;
  const { server } = connection;
  const reported = versionOfServer(connection.version);
  if (given !== undefined && reported !== undefined && given !== reported) {
    messages.report(
      `${server.address}: the server is like Hubble ${reported}, which differs from --hubble-version ${given}`,
    );
  }
  const options = readObserveOptions(args, io, given ?? reported ?? DEFAULT_HUBBLE_VERSION);
  const { hubble, selection, explain } = options;
  await compileFilters(selection, hubble);
  const printer = await createPrinter(options, messages, server.address, report);
  const requested = explain ? { ...selection, allow: [], deny: [] } : selection;
  // What explains an event may be a field that is not printed.
  const requestMask = explain ? [] : options.requestMask;
  const events = serverEvents(connection, { ...options, requestMask, selection: requested }, io, messages);
  const output = { isLive: true, printer, messages };
  try {
    await printAll(iterateUnlessAborted(events, io.signal), options, output, io);
  } finally {
    report.ended(server.address);
  }
  return (selection.follow === true ? undefined : interruptionCode(io.signal)) ?? EXIT.ok;
}

async function observeInputs(options: ObserveOptions, io: Io): Promise<ExitCode> {
  const { hubble, selection, packets, explain, isRaw } = options;
  const messages = createMessages(io, { silent: options.silentErrors });
  const report = createInputReport(messages);
  const isFollowing = selection.follow === true;
  const hasTable = options.aggregate?.isTable === true && io.stdout.isTerminal;
  const progress = options.progress && messages.hasStatus && !isFollowing && !hasTable;
  // Explanations are printed for events that do not pass, too.
  const packetOptions = explain
    ? packets
    : { ...packets, compilePart: () => compilePacketPart(selection, hubble) };
  let lineReader: Promise<EventReader> | undefined;
  const loadLineReader = () => {
    lineReader ??= loadReader(options);
    return lineReader;
  };
  const context = {
    ...{ io, messages, report, progress, loadLineReader },
    packets: isRaw ? undefined : packetOptions,
  };
  const paths = inputsOf(options, io);
  const source = sourceOf(paths);
  const printer = await createPrinter(options, messages, source, report);
  // Before anything is read. Lines of the format raw are filtered where they are read.
  const compiled = await compileFilters(explain ? {} : selection, hubble);
  const matches = isRaw ? () => true : compiled;
  const print = async (events: AsyncIterable<InputEvent[]>) => {
    if (!isRaw) return printAll(events, options, { isLive: isFollowing, printer, messages }, io);
    const { printLines } = await import("./lines.js");
    return printLines(events, io, messages);
  };

  if (isFollowing) {
    const { present, future } = followAll(paths, context);
    const parts = [
      selectMatching(iterateUnlessAborted(present, io.signal), selection, matches),
      selectMatching(iterateUnlessAborted(future, io.signal), { ...selection, number: 0n }, matches),
    ];
    await print(oneAfterTheOther(parts));
  } else {
    const events = await readInputs(paths, options, context);
    await print(selectMatching(iterateUnlessAborted(events, io.signal), selection, matches));
  }
  // With --last, events are printed after the inputs have ended.
  report.ended(source);
  return exitCode(report, options, io, isFollowing);
}

/** Prints events, or groups of them. */
async function printAll(
  events: AsyncIterable<readonly InputEvent[]>,
  { aggregate }: ObserveOptions,
  output: GroupOutput,
  io: Io,
): Promise<void> {
  const { printer, messages } = output;
  if (aggregate === undefined) return printEvents(events, printer, io, messages);
  if (aggregate.masked.length > 0) {
    messages.report(`the field mask removes ${aggregate.masked.join(", ")}, by which flows are aggregated`);
  }
  const { printGroups } = await import("./aggregate/print-groups.js");
  return printGroups(events, aggregate, output, io);
}

async function createPrinter(
  { hubble, format, mask, explain, selection }: ObserveOptions,
  messages: Messages,
  source: string,
  report: InputReport,
): Promise<FlowPrinter> {
  const printer = createFormatPrinter(format, messages);
  if (!explain)
    return skipUnencodable(mask === undefined ? printer : maskingPrinter(printer, mask), source, report);
  await compileFilters(selection, hubble);
  const { explainingPrinter } = await import("./explain.js");
  return skipUnencodable(explainingPrinter(printer, selection, hubble), source, report);
}

async function loadReader(options: ObserveOptions): Promise<EventReader> {
  const { filteringReader, rawLineReader } = await import("./lines.js");
  return options.isRaw ? rawLineReader(options) : filteringReader(options);
}

async function readInputs(
  paths: readonly string[],
  options: ObserveOptions,
  context: ReadContext,
): Promise<AsyncGenerator<InputEvent[], void, undefined>> {
  const { hubble, jobs, selection, isRaw } = options;
  if (jobs === 1) return readAll(paths, context);
  const { readInParallel } = await import("../input/parallel.js");
  const eventsOf = isRaw ? (await import("./lines.js")).filteredLines(selection) : undefined;
  return readInParallel(paths, { filters: selection, hubble, workers: jobs, eventsOf }, context);
}

/** Name of the inputs for messages about events, as an event does not identify its input. */
function sourceOf(paths: readonly string[]): string {
  const [path = STANDARD_INPUT] = paths;
  if (paths.length > 1) return `one of ${paths.length} inputs`;
  return path === STANDARD_INPUT ? "standard input" : path;
}

function createFormatPrinter(format: ObserveOptions["format"], messages: Messages): FlowPrinter {
  return createFlowPrinter({
    ...format,
    onUndecodableExtension: reportOnce(
      (typeUrl) =>
        messages.report(`extensions of type ${typeUrl} cannot be decoded; they are printed as bytes`),
      () => messages.report("more types of extensions cannot be decoded"),
    ),
  });
}

function maskingPrinter(printer: FlowPrinter, mask: NonNullable<ObserveOptions["mask"]>): FlowPrinter {
  return {
    // The cast is true: inputs yield only these two types.
    write: (event) => printer.write(mask(event as InputEvent)),
    end: () => printer.end(),
  };
}

function inputsOf({ inputs }: ObserveOptions, { stdin }: Io): readonly string[] {
  if (inputs.length > 0) return inputs;
  if (stdin.isTerminal) throw new UsageError("no input: name files, or - for standard input");
  return [STANDARD_INPUT];
}

async function* oneAfterTheOther<T>(parts: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  for (const part of parts) yield* part;
}

function exitCode(
  { hasFailed, isIncomplete }: InputReport,
  { strictInput }: ObserveOptions,
  { signal }: Io,
  isFollowing: boolean,
): ExitCode {
  // Following always ends with an interruption.
  const interrupted = isFollowing ? undefined : interruptionCode(signal);
  if (interrupted !== undefined) return interrupted;
  if (hasFailed) return EXIT.failed;
  return strictInput && isIncomplete ? EXIT.incomplete : EXIT.ok;
}

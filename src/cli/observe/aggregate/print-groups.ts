import type { Clock } from "../../../async/clock.js";
import { IntervalReader } from "../../../async/interval-reader.js";
import { createFlowAggregator, type FlowAggregator } from "../../../collect/aggregate/aggregator.js";
import { flowCountOf } from "../../../collect/aggregate/groups.js";
import type { Flow } from "../../../gen/flow/flow_pb.js";
import type { FlowPrinter } from "../../../observer/index.js";
import type { InputEvent } from "../../input/events.js";
import { BrokenPipe, type Io } from "../../io/io.js";
import type { Messages } from "../../io/messages.js";
import { printEvents } from "../print.js";
import { createLiveLines, type LiveLines } from "./live-lines.js";
import type { AggregateOptions } from "./options.js";
import { createGroupTable, type GroupRow, type GroupTable } from "./table.js";

type Batches = AsyncIterable<readonly InputEvent[]>;

/** How groups are printed. */
export interface GroupOutput {
  /** Whether an interval is one of the clock, for live events; otherwise one of the times of flows. */
  readonly isLive: boolean;
  /** Prints groups as JSON, and of other events what belongs on standard error. */
  readonly printer: FlowPrinter;
  readonly messages: Messages;
}

/**
 * Aggregates the flows of events, and prints the groups at the end, and after each interval: as a table, which on a
 * terminal is shown while flows arrive, or one JSON line each. If the input fails, prints the groups, and then throws the
 * error.
 */
export async function printGroups(
  batches: Batches,
  { fields, maxGroups, intervalMs, isTable }: AggregateOptions,
  { isLive, printer, messages }: GroupOutput,
  io: Pick<Io, "stdout" | "clock">,
): Promise<void> {
  const aggregator = createFlowAggregator<InputEvent>({
    fields,
    ...(maxGroups !== undefined && { maxGroups }),
    whenFull: isTable ? "new" : "oldest",
    ...(intervalMs !== undefined && !isLive && { flowIntervalMs: intervalMs }),
  });
  const interval = { intervalMs: isLive ? intervalMs : undefined, clock: io.clock };
  if (isTable) {
    const table = new TablePrinter(aggregator, createGroupTable(fields), printer, messages, io);
    await table.print(batches, interval);
  } else await printEvents(groupsOf(batches, aggregator, interval), printer, io, messages);
}

interface Interval {
  readonly intervalMs: number | undefined;
  readonly clock: Clock;
}

/** Yields the groups, and other events at once. */
async function* groupsOf(
  batches: Batches,
  aggregator: FlowAggregator<InputEvent>,
  interval: Interval,
): AsyncGenerator<InputEvent[], void, undefined> {
  const reader = new IntervalReader(batches, interval);
  try {
    for (;;) {
      const result = await reader.next();
      if (result === "interval") yield aggregator.flush();
      else if (result.done === true) break;
      else yield result.value.flatMap((event) => aggregator.add(event));
    }
  } catch (error) {
    yield aggregator.flush();
    throw error;
  } finally {
    await reader.close();
  }
  yield aggregator.flush();
}

/** Prints groups as tables. */
class TablePrinter {
  readonly #aggregator: FlowAggregator<InputEvent>;
  readonly #table: GroupTable;
  readonly #printer: FlowPrinter;
  readonly #messages: Messages;
  readonly #io: Pick<Io, "stdout">;
  readonly #live: LiveLines | undefined;
  /** Flows of groups beyond the maximum since the last table, and the number of all such groups. */
  #unlisted = 0;
  #early = 0;
  #tables = 0;

  constructor(
    aggregator: FlowAggregator<InputEvent>,
    table: GroupTable,
    printer: FlowPrinter,
    messages: Messages,
    io: Pick<Io, "stdout" | "clock">,
  ) {
    this.#aggregator = aggregator;
    this.#table = table;
    this.#printer = printer;
    this.#io = io;
    this.#live = io.stdout.isTerminal
      ? createLiveLines(io, (size) => this.#table.format(this.#rows(), this.#unlisted, size))
      : undefined;
    this.#messages = messages;
    messages.beforeWrite(() => this.#live?.clear());
  }

  async print(batches: Batches, interval: Interval): Promise<void> {
    const reader = new IntervalReader(batches, interval);
    try {
      for (;;) {
        const result = await reader.next();
        if (result === "interval") await this.#printGroups(this.#aggregator.flush());
        else if (result.done === true) break;
        else await this.#addAll(result.value);
      }
    } catch (error) {
      // If the output is closed, do not print the rest. Report the first error only.
      if (!(error instanceof BrokenPipe)) await this.#end().catch(() => {});
      throw error;
    } finally {
      this.#live?.close();
      await reader.close();
    }
    await this.#end();
  }

  async #addAll(events: readonly InputEvent[]): Promise<void> {
    for (const event of events) {
      const printed = this.#add(event);
      if (printed !== undefined) await printed;
    }
  }

  /** Not asynchronous for usual events, of which nothing is to be written. */
  #add(event: InputEvent): Promise<void> | undefined {
    const ended = this.#aggregator.add(event);
    if (event.responseTypes.case === "flow") this.#live?.changed();
    else this.#messages.write(this.#printer.write(event).err);
    if (ended.length === 0 || event.responseTypes.case !== "flow") return undefined;
    const { early } = this.#aggregator.stats;
    if (early === this.#early) return this.#printGroups(ended);
    this.#early = early;
    for (const one of ended) this.#unlisted += flowCountOf(flowOf(one));
    return undefined;
  }

  #rows(): GroupRow[] {
    return Array.from(this.#aggregator.groups(), ({ first, ingress, egress, unknown }) => ({
      flow: flowOf(first),
      ingress,
      egress,
      unknown,
    }));
  }

  async #end(): Promise<void> {
    this.#live?.close();
    await this.#printGroups(this.#aggregator.flush());
  }

  async #printGroups(groups: readonly InputEvent[]): Promise<void> {
    const lines = this.#table.format(groups.map(toRow), this.#unlisted);
    this.#unlisted = 0;
    if (lines.length === 0) return;
    this.#live?.clear();
    const separator = this.#tables++ === 0 ? "" : "\n";
    await this.#io.stdout.write(`${separator}${lines.map((line) => `${line}\n`).join("")}`);
  }
}

function toRow(event: InputEvent): GroupRow {
  const flow = flowOf(event);
  const { ingressFlowCount = 0, egressFlowCount = 0, unknownDirectionFlowCount = 0 } = flow.aggregate ?? {};
  return {
    flow,
    ingress: ingressFlowCount,
    egress: egressFlowCount,
    unknown: unknownDirectionFlowCount,
  };
}

function flowOf({ responseTypes }: InputEvent): Flow {
  // Only flows form groups.
  return responseTypes.value as Flow;
}

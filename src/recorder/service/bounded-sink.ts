import type { OpenSink, PacketSink } from "../sink.js";
import type { StorageBudget } from "./limits.js";

/** The header of a pcap file. */
const FILE_HEADER_LENGTH = 24;

/** A sink whose bytes, counted as those of a pcap file, come out of a budget; `onOpen` is told when it is open. */
export function boundedSink(openSink: OpenSink, budget: StorageBudget, onOpen: () => void): OpenSink {
  return async (request) => {
    budget.take(FILE_HEADER_LENGTH);
    let sink: PacketSink;
    try {
      sink = await openSink(request);
    } catch (error) {
      budget.giveBack(FILE_HEADER_LENGTH);
      throw error;
    }
    onOpen();
    return new BoundedSink(sink, budget);
  };
}

class BoundedSink implements PacketSink {
  readonly #sink: PacketSink;
  readonly #budget: StorageBudget;
  readonly filePath?: string;

  constructor(sink: PacketSink, budget: StorageBudget) {
    this.#sink = sink;
    this.#budget = budget;
    if (sink.filePath !== undefined) this.filePath = sink.filePath;
  }

  write(batch: Parameters<PacketSink["write"]>[0]): void | Promise<void> {
    this.#budget.take(batch.records.length);
    return this.#sink.write(batch);
  }

  close(stats: Parameters<PacketSink["close"]>[0]): ReturnType<PacketSink["close"]> {
    return this.#sink.close(stats);
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }
}

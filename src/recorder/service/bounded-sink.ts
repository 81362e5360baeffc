import type { OpenSink, PacketSink, StorageAccount } from "../sink.js";
import type { StorageBudget } from "./limits.js";

/** Length of the pcap file header. */
const FILE_HEADER_LENGTH = 24;

/** A sink whose stored bytes count towards a budget. `onOpen` is called when the sink is open. */
export function boundedSink(openSink: OpenSink, budget: StorageBudget, onOpen: () => void): OpenSink {
  return async (request) => {
    const account = new RecordingAccount(budget);
    account.estimate(FILE_HEADER_LENGTH);
    let sink: PacketSink;
    try {
      sink = await openSink({ ...request, storage: account });
    } catch (error) {
      account.close();
      throw error;
    }
    onOpen();
    return new BoundedSink(sink, account);
  };
}

/** The stored bytes of one recording: the bytes that its sink reserves, or an estimate if it does not reserve bytes. */
class RecordingAccount implements StorageAccount {
  readonly #budget: StorageBudget;
  #bytes = 0;
  #isEstimated = true;

  constructor(budget: StorageBudget) {
    this.#budget = budget;
  }

  estimate(bytes: number): void {
    if (this.#isEstimated) this.#reserve(bytes);
  }

  reserve(bytes: number): void {
    // The first reservation by the sink replaces the estimate.
    if (this.#isEstimated) this.close();
    this.#isEstimated = false;
    this.#reserve(bytes);
  }

  release(bytes: number): void {
    this.#budget.release(bytes);
    this.#bytes -= bytes;
  }

  /** Releases all bytes. */
  close(): void {
    this.release(this.#bytes);
  }

  #reserve(bytes: number): void {
    this.#budget.reserve(bytes);
    this.#bytes += bytes;
  }
}

class BoundedSink implements PacketSink {
  readonly #sink: PacketSink;
  readonly #account: RecordingAccount;
  readonly filePath?: string;

  constructor(sink: PacketSink, account: RecordingAccount) {
    this.#sink = sink;
    this.#account = account;
    if (sink.filePath !== undefined) this.filePath = sink.filePath;
  }

  write(batch: Parameters<PacketSink["write"]>[0]): void | Promise<void> {
    this.#account.estimate(batch.records.length);
    return this.#sink.write(batch);
  }

  close(stats: Parameters<PacketSink["close"]>[0]): ReturnType<PacketSink["close"]> {
    return this.#sink.close(stats);
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }
}

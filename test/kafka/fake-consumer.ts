import type { KafkaClientLike } from "../../src/kafka/index.js";

type Consumer = ReturnType<KafkaClientLike["consumer"]>;
type Run = Parameters<Consumer["run"]>[0];
type Payload = Parameters<NonNullable<Run["eachBatch"]>>[0];

/** A client whose consumer the test controls. */
export class FakeConsumer implements KafkaClientLike {
  readonly calls: string[] = [];
  readonly commits: { partition: number; offset: string }[] = [];
  isPaused = false;
  isConnected = false;
  connectError: Error | undefined;
  /** What the next commits do instead of succeeding. */
  commitFailures: (Error | "silent")[] = [];
  resolved: string[] = [];

  readonly #listeners = new Map<string, (event: { payload: unknown }) => void>();
  #run: Run | undefined;

  producer(): never {
    throw new Error("not a client for sinks");
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: string, payload: unknown): void {
    this.#listeners.get(event)?.({ payload });
  }

  /** The group has assigned partitions. */
  assign(...partitions: number[]): void {
    this.emit("consumer.group_join", { memberAssignment: { flows: partitions } });
  }

  /** Delivers messages of a partition, as kafkajs does. */
  async deliver(
    partition: number,
    messages: readonly { offset: string; value: Uint8Array | null; headers?: object }[],
  ) {
    const payload: Payload = {
      batch: { partition, messages, lastOffset: () => messages.at(-1)?.offset ?? "0" },
      resolveOffset: (offset) => void this.resolved.push(`${partition}:${offset}`),
      isRunning: () => true,
      isStale: () => false,
    };
    await this.#run?.eachBatch?.(payload);
  }

  consumer(config: { groupId: string }): Consumer {
    this.calls.push(`consumer ${config.groupId}`);
    return {
      connect: async () => {
        if (this.connectError !== undefined) throw this.connectError;
        this.isConnected = true;
      },
      disconnect: async () => {
        this.isConnected = false;
      },
      subscribe: async ({ topics, fromBeginning }) =>
        void this.calls.push(`subscribe ${topics} ${fromBeginning}`),
      run: async (run) => {
        this.calls.push(`run ${run.autoCommit} ${run.eachBatchAutoResolve}`);
        this.#run = run;
      },
      commitOffsets: async (offsets) => {
        const failure = this.commitFailures.shift();
        if (failure instanceof Error) throw failure;
        if (failure === "silent") return;
        for (const { topic, partition, offset } of offsets) {
          this.commits.push({ partition, offset });
          this.emit("consumer.commit_offsets", {
            topics: [{ topic, partitions: [{ partition, offset: { toString: () => offset } }] }],
          });
        }
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      on: (name, listener) => {
        this.#listeners.set(name, listener);
        return () => this.#listeners.delete(name);
      },
    };
  }
}

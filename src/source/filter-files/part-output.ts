import { BoundedQueue } from "../../async/bounded-queue.js";
import type { FilePart } from "./parts.js";
import { type FromWorker, LAST_KINDS } from "./protocol.js";
import type { WorkerPool, WorkerThread } from "./worker-pool.js";

/** Bytes of lines that wait for their turn; the worker waits when there are more. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** The messages of a worker about a part, from the moment that one is free. */
export class PartOutput {
  readonly file: number;
  readonly part: FilePart["part"];
  readonly messages: BoundedQueue<FromWorker> = new BoundedQueue(MAX_WAITING_BYTES, sizeOf);
  readonly #pool: WorkerPool;
  #worker: WorkerThread | undefined;
  #isCancelled = false;

  constructor({ file, part }: FilePart, pool: WorkerPool) {
    this.file = file;
    this.part = part;
    this.#pool = pool;
    this.#run().then(
      () => this.messages.end(),
      (error: unknown) => this.messages.end({ error }),
    );
  }

  /** Ends the work on the part; further messages are dropped. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    await this.messages.return();
    if (this.#worker !== undefined) await this.#pool.discard(this.#worker);
  }

  async #run(): Promise<void> {
    const worker = await this.#pool.acquire();
    if (this.#isCancelled) return this.#pool.release(worker);
    this.#worker = worker;
    worker.send({ kind: "part", part: this.part });
    for (;;) {
      const message = await worker.next();
      await this.messages.push(message);
      if (LAST_KINDS.has(message.kind)) break;
      if (message.kind === "block") worker.send({ kind: "more" });
    }
    this.#worker = undefined;
    if (!this.#isCancelled) this.#pool.release(worker);
  }
}

function sizeOf(message: FromWorker): number {
  return message.kind === "block" || message.kind === "lines" ? message.bytes.length : 0;
}

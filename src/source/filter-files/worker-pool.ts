import { Worker } from "node:worker_threads";
import { Wakeup } from "../../async/wakeup.js";
import type { FromWorker, ToWorker, WorkerSettings } from "./protocol.js";

/** A worker thread, which answers one part at a time. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #received: FromWorker[] = [];
  readonly #changed = new Wakeup();
  #failure: { readonly error: unknown } | undefined;

  constructor(url: URL, settings: WorkerSettings) {
    this.#worker = new Worker(url, { workerData: settings });
    this.#worker.on("message", (message: FromWorker) => {
      this.#received.push(message);
      this.#changed.wake();
    });
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("a worker thread has ended")));
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Resolves with the next message. Rejects when the thread has failed or ended. */
  next(): Promise<FromWorker> {
    return this.#changed.until(() => {
      const message = this.#received.shift();
      if (message === undefined && this.#failure !== undefined) throw this.#failure.error;
      return message;
    });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changed.wake();
  }
}

/** A limited number of worker threads, which are created when they are needed and used in the order of the requests. */
export class WorkerPool {
  readonly #create: () => WorkerThread;
  readonly #limit: number;
  readonly #all = new Set<WorkerThread>();
  readonly #free: WorkerThread[] = [];
  readonly #waiting: ((worker: WorkerThread) => void)[] = [];

  constructor(limit: number, create: () => WorkerThread) {
    this.#limit = limit;
    this.#create = create;
  }

  /** Never resolves once the pool is closed. */
  acquire(): Promise<WorkerThread> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#assign();
    });
  }

  release(worker: WorkerThread): void {
    this.#free.push(worker);
    this.#assign();
  }

  /** Ends a worker that is in the middle of a part; another one may take its place. */
  async discard(worker: WorkerThread): Promise<void> {
    this.#all.delete(worker);
    await worker.terminate();
    this.#assign();
  }

  async close(): Promise<void> {
    this.#waiting.length = 0;
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#free.pop() ?? this.#grow();
      if (worker === undefined) return;
      this.#waiting.shift()?.(worker);
    }
  }

  #grow(): WorkerThread | undefined {
    if (this.#all.size >= this.#limit) return undefined;
    const worker = this.#create();
    this.#all.add(worker);
    return worker;
  }
}

import { nextState, type TransitionTable } from "../../async/state-machine.js";
import { Wakeup } from "../../async/wakeup.js";
import type { RecordRequest, RecordResponse } from "../../gen/recorder/recorder_pb.js";
import { RecordCall } from "./call.js";
import type { RecordContext, ServiceDependencies } from "./context.js";
import { addStats, NO_TOTALS, type RecorderCounters } from "./counters.js";
import { RpcError } from "./error.js";

/** Whether a service accepts calls. */
export type ServiceState =
  | { readonly name: "open" }
  /** The service shuts down: it rejects new calls, and active ones are ending. */
  | { readonly name: "closing" }
  /** The last call has ended after a shutdown. */
  | { readonly name: "closed" };

export type ServiceEvent =
  | { readonly name: "shutdown"; readonly activeCalls: number }
  /** A call has ended, and no other is active. */
  | { readonly name: "lastCallEnd" };

const closed = (): ServiceState => ({ name: "closed" });

export const SERVICE_TRANSITIONS: TransitionTable<ServiceState, ServiceEvent> = {
  open: {
    shutdown: (_, { activeCalls }) => ({ name: activeCalls === 0 ? "closed" : "closing" }),
    lastCallEnd: "ignored",
  },
  closing: { shutdown: "ignored", lastCallEnd: closed },
  closed: { shutdown: "ignored", lastCallEnd: "impossible" },
};

/** The calls of a Recorder service: limits, counts and ends them. */
export class RecordCalls {
  readonly #service: ServiceDependencies;
  readonly #active = new Set<RecordCall>();
  /** Counts of the calls that have ended. */
  #totals = NO_TOTALS;
  #state: ServiceState = { name: "open" };
  /** Wakes {@link shutdown}: the state has changed. */
  readonly #changed = new Wakeup();

  constructor(service: ServiceDependencies) {
    this.#service = service;
  }

  /** Totals, including the active calls. */
  get counters(): RecorderCounters {
    const { slots, budget } = this.#service;
    let totals = this.#totals;
    for (const { stats } of this.#active) totals = addStats(totals, stats);
    return { ...totals, running: slots.used, calls: this.#active.size, storedBytes: budget.usedBytes };
  }

  /** Runs a call; see `RecorderService.record`. */
  async *record(
    requests: AsyncIterable<RecordRequest>,
    context: RecordContext,
  ): AsyncGenerator<RecordResponse, void, undefined> {
    this.#admit();
    const call = new RecordCall(this.#service, context);
    this.#active.add(call);
    try {
      yield* call.run(requests);
    } finally {
      this.#end(call);
    }
  }

  /** Ends all calls gracefully. Resolves when the last one has ended; see `RecorderService.shutdown`. */
  async shutdown(): Promise<void> {
    this.#apply({ name: "shutdown", activeCalls: this.#active.size });
    for (const call of this.#active) call.shutdown();
    while (this.#state.name !== "closed") await this.#changed.wait();
  }

  /** @throws RpcError if no further call is accepted, which counts as refused. */
  #admit(): void {
    const { maxCalls } = this.#service.limits;
    if (this.#state.name !== "open") this.#refuse("UNAVAILABLE", "the recorder is shutting down");
    if (this.#active.size >= maxCalls) {
      this.#refuse("RESOURCE_EXHAUSTED", `at most ${maxCalls} calls at once`);
    }
  }

  #refuse(status: "UNAVAILABLE" | "RESOURCE_EXHAUSTED", message: string): never {
    this.#totals = { ...this.#totals, refused: this.#totals.refused + 1 };
    throw new RpcError(status, message);
  }

  #end(call: RecordCall): void {
    this.#active.delete(call);
    const { outcome, stats } = call;
    this.#totals = addStats({ ...this.#totals, [outcome]: this.#totals[outcome] + 1 }, stats);
    if (this.#active.size === 0) this.#apply({ name: "lastCallEnd" });
  }

  #apply(event: ServiceEvent): void {
    this.#state = nextState(SERVICE_TRANSITIONS, this.#state, event);
    this.#changed.wake();
  }
}

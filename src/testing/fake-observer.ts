import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createRouterTransport,
  type Transport,
} from "@connectrpc/connect";
import { onAbort } from "../async/abort.js";
import { aClock, type Clock } from "../async/clock.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aListOf, anObject, aPositiveNumber, aString } from "../errors/value-checks.js";
import { compileFlowFilters, FilterError, type FlowPredicate } from "../filter/index.js";
import { type Flow, LostEventSource } from "../gen/flow/flow_pb.js";
import {
  type GetFlowsRequest,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
  Observer,
} from "../gen/observer/observer_pb.js";
import { compileFieldMask, type FieldMask, FieldMaskError } from "../observer/index.js";
import { fakeClock } from "./fake-clock.js";
import { type FlowInit, flow } from "./flow.js";

/** What a fake Observer has to show. */
export interface FakeObserverOptions {
  /** Those it holds from the beginning. */
  readonly flows?: readonly (Flow | FlowInit)[];
  readonly nodeName?: string;
  /** What flows without a time get; a fake clock at 1970 by default. */
  readonly clock?: Clock;
  /** Flows it holds; the oldest give way. */
  readonly maxFlows?: number;
  readonly version?: string;
}

const FAKE_OPTIONS: OptionTable<FakeObserverOptions> = {
  flows: aListOf(anObject),
  nodeName: aString,
  clock: aClock,
  maxFlows: aPositiveNumber,
  version: aString,
};

/** A Hubble server in this process, for tests of programs that observe. */
export interface FakeObserver {
  /** For `observe` and every client of Connect. */
  readonly transport: Transport;
  /** The same, to be served over the network. */
  readonly routes: (router: ConnectRouter) => void;
  /** Adds flows; those who follow get them at once. */
  push(...flows: readonly (Flow | FlowInit)[]): void;
  /** Tells of lost events. */
  lose(count: number, source?: LostEventSource): void;
  /** Breaks every stream, as a server that dies. */
  disconnect(): void;
  /** Refuses calls from now on, until called with false. */
  setUnavailable(unavailable: boolean): void;
  /** Calls of GetFlows under way. */
  readonly streams: number;
  /** The requests of GetFlows so far. */
  readonly requests: readonly GetFlowsRequest[];
}

/** As Hubble's default. */
const DEFAULT_MAX_FLOWS = 4095;

/**
 * A fake Observer: GetFlows with filters, times, `first`, `number`, `follow` and field masks as a Hubble server has them, ServerStatus,
 * GetNodes and GetNamespaces. Nothing in it waits or depends on the machine's time.
 */
export function fakeObserver(options: FakeObserverOptions = {}): FakeObserver {
  checkOptions("fakeObserver", options, FAKE_OPTIONS);
  return new Fake(options);
}

class Fake implements FakeObserver {
  readonly transport: Transport;
  readonly requests: GetFlowsRequest[] = [];
  readonly #nodeName: string;
  readonly #clock: Clock;
  readonly #maxFlows: number;
  readonly #version: string;
  readonly #ring: GetFlowsResponse[] = [];
  /** The number of the oldest response in the ring, counted from the first ever pushed. */
  #oldest = 0;
  #seenFlows = 0;
  #streams = 0;
  #connection = new AbortController();
  #unavailable = false;
  #waiting: (() => void)[] = [];

  constructor({
    flows = [],
    nodeName = "default/fake-node",
    clock = fakeClock(),
    maxFlows = DEFAULT_MAX_FLOWS,
    version = "flowscribe-fake",
  }: FakeObserverOptions) {
    this.#nodeName = nodeName;
    this.#clock = clock;
    this.#maxFlows = maxFlows;
    this.#version = version;
    this.push(...flows);
    this.transport = createRouterTransport(this.routes);
  }

  get streams(): number {
    return this.#streams;
  }

  readonly routes = (router: ConnectRouter): void => {
    router.service(Observer, {
      getFlows: (request, { signal }) => this.#getFlows(request, signal),
      serverStatus: () => this.#status(),
      getNodes: () => this.#nodes(),
      getNamespaces: () => this.#namespaces(),
    });
  };

  push(...flows: readonly (Flow | FlowInit)[]): void {
    for (const init of flows) {
      const pushed = isFlow(init) ? init : flow(init);
      this.#seenFlows++;
      pushed.time ??= timestampFromMs(this.#clock.now());
      pushed.nodeName ||= this.#nodeName;
      pushed.uuid ||= `00000000-0000-4000-8000-${String(this.#seenFlows).padStart(12, "0")}`;
      this.#add({ case: "flow", value: pushed }, pushed.time);
    }
  }

  lose(count: number, source: LostEventSource = LostEventSource.PERF_EVENT_RING_BUFFER): void {
    const time = timestampFromMs(this.#clock.now());
    const { responseTypes } = create(GetFlowsResponseSchema, {
      responseTypes: { case: "lostEvents", value: { source, numEventsLost: BigInt(count) } },
    });
    this.#add(responseTypes, time);
  }

  disconnect(): void {
    this.#connection.abort();
    this.#connection = new AbortController();
  }

  setUnavailable(unavailable: boolean): void {
    this.#unavailable = unavailable;
  }

  #add(responseTypes: GetFlowsResponse["responseTypes"], time: Timestamp): void {
    this.#ring.push(create(GetFlowsResponseSchema, { responseTypes, nodeName: this.#nodeName, time }));
    if (this.#ring.length > this.#maxFlows) {
      this.#ring.shift();
      this.#oldest++;
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async *#getFlows(
    request: GetFlowsRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GetFlowsResponse, void, undefined> {
    this.requests.push(request);
    this.#checkAvailable();
    const wanted = compileWanted(request);
    const mask = compileMask(request);
    const connection = this.#connection.signal;
    const { number, follow } = request;
    const limit = number > 0n && !follow ? number : undefined;
    this.#streams++;
    let open = true;
    const close = () => {
      if (open) this.#streams--;
      open = false;
    };
    // Connect in memory never comes back for a call that was cancelled.
    const removeListener = onAbort(signal, close);
    try {
      let sent = 0n;
      for (let next = this.#firstOf(request, wanted); ; next++) {
        while (next - this.#oldest >= this.#ring.length) {
          if (!follow) return;
          await this.#untilPushed(signal, connection);
        }
        if (next < this.#oldest) next = this.#oldest;
        const response = this.#ring[next - this.#oldest]!;
        const isFlow = response.responseTypes.case === "flow";
        // Nobody asks for lost events: neither filters nor times apply to them (v1.16.2, observer.go: eventsReader.Next).
        if (isFlow) {
          if (!wanted(response)) continue;
          if (request.until !== undefined && !follow && isBefore(request.until, response.time)) return;
          if (isBefore(response.time, request.since)) continue;
        }
        yield mask === undefined ? response : masked(response, mask);
        if (connection.aborted) throw lostConnection();
        if (isFlow && ++sent === limit) return;
      }
    } finally {
      removeListener();
      close();
    }
  }

  #checkAvailable(): void {
    if (this.#unavailable) throw lostConnection();
  }

  /** Where to begin, counted from the first response ever pushed. */
  #firstOf(request: GetFlowsRequest, wanted: (response: GetFlowsResponse) => boolean): number {
    const { number, first, follow, since } = request;
    const end = this.#oldest + this.#ring.length;
    if (first || since !== undefined) return this.#oldest;
    if (number === 0n) return follow ? end : this.#oldest;
    let left = number;
    let start = end;
    while (start > this.#oldest && left > 0n) {
      const response = this.#ring[--start - this.#oldest]!;
      if (response.responseTypes.case === "flow" && wanted(response)) left--;
    }
    return start;
  }

  async #untilPushed(...signals: readonly AbortSignal[]): Promise<void> {
    const isAborted = () => signals.some(({ aborted }) => aborted);
    await new Promise<void>((resolve) => {
      const removers = signals.map((signal) => onAbort(signal, resolve));
      this.#waiting.push(() => {
        for (const remove of removers) remove();
        resolve();
      });
    });
    if (isAborted()) throw lostConnection();
  }

  #status() {
    this.#checkAvailable();
    const held = this.#ring.filter(({ responseTypes }) => responseTypes.case === "flow").length;
    return {
      numFlows: BigInt(held),
      maxFlows: BigInt(this.#maxFlows),
      seenFlows: BigInt(this.#seenFlows),
      uptimeNs: BigInt(Math.round(this.#clock.now() * 1e6)),
      version: this.#version,
    };
  }

  #nodes() {
    const { version, numFlows, maxFlows, seenFlows, uptimeNs } = this.#status();
    return { nodes: [{ name: this.#nodeName, version, numFlows, maxFlows, seenFlows, uptimeNs }] };
  }

  #namespaces() {
    this.#checkAvailable();
    const names = this.#ring.flatMap(({ responseTypes }) =>
      responseTypes.case === "flow"
        ? [responseTypes.value.source?.namespace, responseTypes.value.destination?.namespace]
        : [],
    );
    const namespaces = [...new Set(names)].filter((name) => name !== undefined && name !== "").sort();
    return {
      namespaces: namespaces.map((namespace) => ({ cluster: "default", namespace: namespace ?? "" })),
    };
  }
}

function compileWanted({ whitelist, blacklist }: GetFlowsRequest): (response: GetFlowsResponse) => boolean {
  let passes: FlowPredicate;
  try {
    passes = compileFlowFilters({ allow: whitelist, deny: blacklist });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new ConnectError(error.issues[0]?.message ?? error.message, Code.InvalidArgument);
  }
  return ({ responseTypes }) => responseTypes.case !== "flow" || passes(responseTypes.value);
}

/** The mask of the request, or the former field for it, which is the only one that the CLI of v1.16 sets. */
function compileMask({ fieldMask, experimental }: GetFlowsRequest): FieldMask | undefined {
  const paths = fieldMask?.paths.length ? fieldMask.paths : (experimental?.fieldMask?.paths ?? []);
  if (paths.length === 0) return undefined;
  try {
    return compileFieldMask(paths);
  } catch (error) {
    if (!(error instanceof FieldMaskError)) throw error;
    throw new ConnectError(error.issues[0]?.message ?? error.message, Code.InvalidArgument);
  }
}

/** Unlike an exporter's, a server's responses keep their time and node. */
function masked(response: GetFlowsResponse, mask: FieldMask): GetFlowsResponse {
  const { nodeName, time } = response;
  const { responseTypes } = mask(response) as GetFlowsResponse;
  return create(GetFlowsResponseSchema, { responseTypes, nodeName, ...(time !== undefined && { time }) });
}

function isFlow(init: Flow | FlowInit): init is Flow {
  return "$typeName" in init && init.$typeName === "flow.Flow";
}

function isBefore(time: Timestamp | undefined, other: Timestamp | undefined): boolean {
  if (time === undefined || other === undefined) return false;
  return time.seconds === other.seconds ? time.nanos < other.nanos : time.seconds < other.seconds;
}

function lostConnection(): ConnectError {
  return new ConnectError("the fake observer is gone", Code.Unavailable);
}

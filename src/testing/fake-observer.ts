import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createRouterTransport,
  type Transport,
} from "@connectrpc/connect";
import { onAbort, unlessAborted } from "../async/abort.js";
import { aClock, type Clock } from "../async/clock.js";
import { Wakeup } from "../async/wakeup.js";
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

/** Contents and settings of a fake Observer. */
export interface FakeObserverOptions {
  /** Initial flows. */
  readonly flows?: readonly (Flow | FlowInit)[];
  readonly nodeName?: string;
  /** Time for flows that have none; default: a fake clock at 1970. */
  readonly clock?: Clock;
  /** Size of the ring buffer, for flows and lost-event notices together; the oldest are dropped. Default 4,095. */
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

/** An in-process Hubble server, for tests of programs that observe flows. */
export interface FakeObserver {
  /** A transport for `observe` and any Connect client. */
  readonly transport: Transport;
  /** The routes of the same service, to serve it over the network. */
  readonly routes: (router: ConnectRouter) => void;
  /** Adds flows; following streams receive them at once. */
  push(...flows: readonly (Flow | FlowInit)[]): void;
  /** Adds a notice of lost events. */
  lose(count: number, source?: LostEventSource): void;
  /** Fails every open stream with UNAVAILABLE, like a server that dies. */
  disconnect(): void;
  /** Fails new calls with UNAVAILABLE until called with false. */
  setUnavailable(unavailable: boolean): void;
  /** Number of GetFlows calls in progress. */
  readonly streams: number;
  /** The GetFlows requests received so far. */
  readonly requests: readonly GetFlowsRequest[];
}

/** Hubble's default. */
const DEFAULT_MAX_FLOWS = 4095;

/**
 * Creates a fake Observer that implements GetFlows with filters, times, `first`, `number`, `follow` and field masks
 * like a Hubble server, and ServerStatus, GetNodes and GetNamespaces. It never waits and does not depend on the system
 * clock.
 *
 * @throws OptionsError; TypeError for invalid `flows`.
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
  /** Sequence number of the oldest response in the ring, counted from the first one ever pushed. */
  #oldest = 0;
  #seenFlows = 0;
  #streams = 0;
  #connection = new AbortController();
  #unavailable = false;
  readonly #pushed = new Wakeup();

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
    this.#pushed.wake();
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
    // The in-memory transport of Connect never resumes a cancelled call.
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
        // Neither filters nor times apply to lost events (v1.16.2, observer.go: eventsReader.Next).
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

  /** Sequence number of the first response to consider. */
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

  async #untilPushed(signal: AbortSignal, connection: AbortSignal): Promise<void> {
    await unlessAborted(unlessAborted(this.#pushed.wait(), connection), signal);
    if (signal.aborted || connection.aborted) throw lostConnection();
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

/** Compiles the mask of the request, or of its deprecated field, which is the only one that the CLI of v1.16 sets. */
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

/** Unlike those of an exporter, responses of a server keep their time and node name. */
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

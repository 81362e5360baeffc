import type { Endpoint, Flow, NetworkInterface, Service } from "../../../gen/flow/flow_pb.js";
import type { FlowLookups } from "../flow-options.js";
import { BoundedMap } from "./bounded-map.js";
import { copyEndpoint, createEndpoint, createInterface, createService } from "./lookup-messages.js";

/** Calls the caller's lookup functions, caches their results and sets them in flows. */
export class Lookups {
  readonly #functions: FlowLookups;
  readonly #endpoints: BoundedMap<Endpoint>;
  readonly #names: BoundedMap<readonly string[]>;
  readonly #services: BoundedMap<Service | null>;
  readonly #links: BoundedMap<NetworkInterface>;
  readonly #captureInterfaces: BoundedMap<NetworkInterface | null>;
  /** The time of the flow. */
  #timeMs: number | undefined;

  constructor(functions: FlowLookups, memoEntries: number) {
    this.#functions = functions;
    this.#endpoints = new BoundedMap("memoEntries", memoEntries);
    this.#names = new BoundedMap("memoEntries", memoEntries);
    this.#services = new BoundedMap("memoEntries", memoEntries);
    this.#links = new BoundedMap("memoEntries", memoEntries);
    this.#captureInterfaces = new BoundedMap("memoEntries", memoEntries);
  }

  get evicted(): number {
    return this.#all().reduce((sum, { evicted }) => sum + evicted, 0);
  }

  /** Whether every packet needs a lookup; false if at most `link` is given, which few packets need. */
  get asksAlways(): boolean {
    const { endpoint, names, service, captureInterface } = this.#functions;
    return [endpoint, names, service, captureInterface].some((lookup) => lookup !== undefined);
  }

  /**
   * Sets the results of all lookups in a flow.
   *
   * @param interfaceIndex The kernel's interface index, 0 if the packet does not contain it.
   * @param interfaceId Index of the interface in the capture.
   */
  apply(flow: Flow, interfaceIndex: number, interfaceId: number): void {
    const { endpoint, names, service } = this.#functions;
    this.#timeMs = flow.time && Number(flow.time.seconds) * 1000 + flow.time.nanos / 1e6;
    const source = flow.IP?.source ?? "";
    const destination = flow.IP?.destination ?? "";
    if (endpoint !== undefined) {
      flow.source = copyEndpoint(this.#endpoint(source));
      flow.destination = copyEndpoint(this.#endpoint(destination));
    }
    if (names !== undefined && flow.IP !== undefined) {
      flow.sourceNames = this.#namesOf(source, flow.destination?.ID ?? 0);
      flow.destinationNames = this.#namesOf(destination, flow.source?.ID ?? 0);
    }
    if (service !== undefined && flow.IP !== undefined) {
      const ports = portsOf(flow);
      flow.sourceService = this.#service(source, ports?.sourcePort ?? 0);
      flow.destinationService = this.#service(destination, ports?.destinationPort ?? 0);
    }
    flow.interface = interfaceIndex === 0 ? this.#captureInterface(interfaceId) : this.#link(interfaceIndex);
  }

  forget(): void {
    for (const answers of this.#all()) answers.clear();
  }

  #all(): readonly BoundedMap<unknown>[] {
    return [this.#endpoints, this.#names, this.#services, this.#links, this.#captureInterfaces];
  }

  #endpoint(ip: string): Endpoint {
    let endpoint = this.#endpoints.get(ip);
    if (endpoint === undefined) {
      endpoint = createEndpoint((ip === "" ? undefined : this.#functions.endpoint?.(ip, this.#timeMs)) ?? {});
      this.#endpoints.set(ip, endpoint);
    }
    return endpoint;
  }

  #namesOf(ip: string, seenBy: number): string[] {
    const key = `${seenBy} ${ip}`;
    let names = this.#names.get(key);
    if (names === undefined) {
      names = (this.#functions.names?.(ip, seenBy, this.#timeMs) ?? []).map(withoutDot);
      this.#names.set(key, names);
    }
    return names.slice();
  }

  #service(ip: string, port: number): Service | undefined {
    const key = `${port} ${ip}`;
    let service = this.#services.get(key);
    if (service === undefined) {
      const found = this.#functions.service?.(ip, port, this.#timeMs);
      service = found === undefined ? null : createService(found);
      this.#services.set(key, service);
    }
    return service === null ? undefined : createService(service);
  }

  #link(index: number): NetworkInterface {
    const key = String(index);
    let known = this.#links.get(key);
    if (known === undefined) {
      known = createInterface({ index, name: this.#functions.link?.(index) ?? "" });
      this.#links.set(key, known);
    }
    return createInterface(known);
  }

  #captureInterface(interfaceId: number): NetworkInterface | undefined {
    if (this.#functions.captureInterface === undefined) return undefined;
    const key = String(interfaceId);
    let known = this.#captureInterfaces.get(key);
    if (known === undefined) {
      const found = this.#functions.captureInterface(interfaceId);
      known = found === undefined ? null : createInterface(found);
      this.#captureInterfaces.set(key, known);
    }
    return known === null ? undefined : createInterface(known);
  }
}

function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** The ports of a flow; undefined if its protocol has none. */
export function portsOf(
  flow: Flow,
): { readonly sourcePort: number; readonly destinationPort: number } | undefined {
  const protocol = flow.l4?.protocol;
  switch (protocol?.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return protocol.value;
    default:
      return undefined;
  }
}

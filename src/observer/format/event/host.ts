import type { Endpoint, Flow, Layer4, Service } from "../../../gen/flow/flow_pb.js";
import { joinHostPort, joinPath } from "../../../go/join.js";
import type { Style } from "../style.js";

/** Formats the source of a flow: its pod, service, names or address, and its port; without IP, its MAC address. */
export function formatSourceHost(flow: Flow, style: Style): string {
  const { IP: ip, ethernet, source, sourceService, sourceNames } = flow;
  if (ip === undefined) return formatMac(ethernet?.source, style);
  const host = style.ipTranslation ? hostOf(ip.source, source, sourceService, sourceNames) : ip.source;
  return withPort(host, portOf(flow.l4, "sourcePort"), style);
}

/** Formats the destination of a flow; see {@link formatSourceHost}. */
export function formatDestinationHost(flow: Flow, style: Style): string {
  const { IP: ip, ethernet, destination, destinationService, destinationNames } = flow;
  if (ip === undefined) return formatMac(ethernet?.destination, style);
  const host = style.ipTranslation
    ? hostOf(ip.destination, destination, destinationService, destinationNames)
    : ip.destination;
  return withPort(host, portOf(flow.l4, "destinationPort"), style);
}

function formatMac(address: string | undefined, { paint, clean }: Style): string {
  return address === undefined ? "" : paint.host(clean(address));
}

/** As in Hubble (`printer.go`), the namespace of a service, even an empty one, replaces that of the pod. */
function hostOf(
  address: string,
  endpoint: Endpoint | undefined,
  service: Service | undefined,
  names: readonly string[],
): string {
  const namespace = service === undefined ? endpoint?.namespace : service.namespace;
  const name = endpoint?.podName || service?.name;
  if (name) return joinPath(namespace ?? "", name);
  return names.length > 0 ? names.join(",") : address;
}

function portOf(l4: Layer4 | undefined, side: "sourcePort" | "destinationPort"): number {
  switch (l4?.protocol.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return l4.protocol.value[side];
    default:
      return 0;
  }
}

function withPort(host: string, port: number, { paint, clean }: Style): string {
  const text = clean(host);
  return paint.host(port === 0 ? text : joinHostPort(text, paint.port(String(port))));
}

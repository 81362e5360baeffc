import {
  type AgentEvent,
  AgentEventType,
  AgentEventTypeSchema,
  type EndpointRegenNotification,
  type EndpointUpdateNotification,
  type IPCacheNotification,
  type ServiceUpsertNotification,
  type ServiceUpsertNotificationAddr,
} from "../../../gen/flow/flow_pb.js";
import { joinHostPort } from "../../../go/join.js";
import { enumName } from "../../../message/proto-text.js";
import type { Stamped } from "../stamped.js";
import { type EventForm, stampFields, stampText } from "../style.js";
import type { FormatTime } from "../time.js";

/** The output of `hubble observe agent-events`. */
export const AGENT_EVENT_FORM: EventForm<Stamped<AgentEvent>> = {
  table: "agent events",

  compact: ({ event, time, nodeName }, style) =>
    `${stampText(style.time(time), nodeName, style)}: ${enumName(AgentEventTypeSchema, event.type)} (${style.clean(formatDetails(event, style.time))})`,

  fields: (stamped, style) => AGENT_EVENT_FORM.cells(stamped, style),

  cells: ({ event, time, nodeName }, style) => [
    ...stampFields(style.time(time), nodeName, style),
    ["TYPE", enumName(AgentEventTypeSchema, event.type)],
    ["DETAILS", style.clean(formatDetails(event, style.time))],
  ],

  // As in Hubble (`printer.go`), the separator has no line feed.
  separator: "------------",
};

/** Formats the notification; `UNKNOWN` if it does not match the event's type. */
function formatDetails({ type, notification }: AgentEvent, formatTime: FormatTime): string {
  switch (notification.case) {
    case "unknown":
      if (type !== AgentEventType.AGENT_EVENT_UNKNOWN) break;
      return `type: ${notification.value.type}, notification: ${notification.value.notification}`;
    case "agentStart":
      if (type !== AgentEventType.AGENT_STARTED) break;
      return `start time: ${formatTime(notification.value.time)}`;
    case "policyUpdate": {
      if (type !== AgentEventType.POLICY_UPDATED && type !== AgentEventType.POLICY_DELETED) break;
      const { labels, revision, ruleCount } = notification.value;
      return `labels: [${labels.join(",")}], revision: ${revision}, count: ${ruleCount}`;
    }
    case "endpointRegenerate":
      if (
        type !== AgentEventType.ENDPOINT_REGENERATE_SUCCESS &&
        type !== AgentEventType.ENDPOINT_REGENERATE_FAILURE
      ) {
        break;
      }
      return formatRegeneration(notification.value);
    case "endpointUpdate":
      if (type !== AgentEventType.ENDPOINT_CREATED && type !== AgentEventType.ENDPOINT_DELETED) break;
      return formatEndpoint(notification.value);
    case "ipcacheUpdate":
      if (type !== AgentEventType.IPCACHE_UPSERTED && type !== AgentEventType.IPCACHE_DELETED) break;
      return formatIpCache(notification.value);
    case "serviceUpsert":
      if (type !== AgentEventType.SERVICE_UPSERTED) break;
      return formatService(notification.value);
    case "serviceDelete":
      if (type !== AgentEventType.SERVICE_DELETED) break;
      return `id: ${notification.value.id}`;
  }
  return "UNKNOWN";
}

function formatRegeneration({ id, labels, error }: EndpointRegenNotification): string {
  return `id: ${id}, labels: [${labels.join(",")}]${unlessEmpty("error", error)}`;
}

function formatEndpoint({ id, namespace, podName }: EndpointUpdateNotification): string {
  return `id: ${id}${unlessEmpty("namespace", namespace)}${unlessEmpty("pod name", podName)}`;
}

function formatIpCache(update: IPCacheNotification): string {
  const { cidr, identity, oldIdentity, hostIp, oldHostIp, encryptKey } = update;
  return [
    `cidr: ${cidr}, identity: ${identity}`,
    oldIdentity === undefined ? "" : `, old identity: ${oldIdentity}`,
    unlessEmpty("host ip", hostIp),
    unlessEmpty("old host ip", oldHostIp),
    `, encrypt key: ${encryptKey}`,
  ].join("");
}

function formatService(service: ServiceUpsertNotification): string {
  const { id, frontendAddress, backendAddresses, type, trafficPolicy, namespace, name } = service;
  return [
    `id: ${id}`,
    frontendAddress === undefined ? "" : `, frontend: ${formatAddress(frontendAddress)}`,
    backendAddresses.length === 0 ? "" : `, backends: [${backendAddresses.map(formatAddress).join(",")}]`,
    unlessEmpty("type", type),
    unlessEmpty("traffic policy", trafficPolicy),
    unlessEmpty("namespace", namespace),
    unlessEmpty("name", name),
  ].join("");
}

function formatAddress({ ip, port }: ServiceUpsertNotificationAddr): string {
  return joinHostPort(ip, String(port));
}

function unlessEmpty(label: string, value: string): string {
  return value === "" ? "" : `, ${label}: ${value}`;
}

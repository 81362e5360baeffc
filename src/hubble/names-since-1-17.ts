/**
 * The full names of the messages, fields, enums and enum values in Hubble's package `flow` that were added after 1.16.
 * A name inside a listed message or enum is not listed.
 */
export const NAMES_SINCE_1_17: readonly string[] = [
  "flow.Aggregate",
  "flow.DebugEventType.DBG_LB6_LOOPBACK_SNAT",
  "flow.DebugEventType.DBG_LB6_LOOPBACK_SNAT_REV",
  "flow.DropReason.DROP_PUNT_PROXY",
  "flow.Emitter",
  "flow.FileInfo",
  "flow.Flow.aggregate",
  "flow.Flow.emitter",
  "flow.Flow.file",
  "flow.Flow.ip_trace_id",
  "flow.Flow.policy_log",
  "flow.Flow.tunnel",
  "flow.FlowFilter.destination_cluster_name",
  "flow.FlowFilter.encrypted",
  "flow.FlowFilter.ip_trace_id",
  "flow.FlowFilter.source_cluster_name",
  "flow.IGMP",
  "flow.IPTraceID",
  "flow.Layer4.IGMP",
  "flow.Layer4.VRRP",
  "flow.LostEvent.first",
  "flow.LostEvent.last",
  "flow.Policy.kind",
  "flow.TraceObservationPoint.FROM_CRYPTO",
  "flow.TraceObservationPoint.TO_CRYPTO",
  "flow.Tunnel",
  "flow.Tunnel.Protocol",
  "flow.VRRP",
];

export { HUBBLE_VERSIONS, type HubbleVersion } from "../hubble/version.js";
export { type CommentedFlows, createCommentedFlows } from "./comments/commented-flows.js";
export { createFlowComments, type FlowCommentOptions, type FlowComments } from "./comments/flow-comments.js";
export {
  decodeEvent,
  type EncodedEvent,
  type EventKind,
  encodedEvent,
  encodeEvent,
} from "./events/encoded-event.js";
export type { EventSource, JsonValue, ReadOptions } from "./events/event-source.js";
export {
  type FlowSink,
  type FlowSinkStats,
  type RefusedEvent,
  RefusedEventsError,
} from "./events/flow-sink.js";
export {
  type DecodeExportOptions,
  decodeExport,
  decodeExportBatches,
} from "./export/decode.js";
export { ExportError, type ExportErrorCode } from "./export/error.js";
export { type ExportFilter, type FilterExportOptions, filterExport } from "./export/filter.js";
export type { ExportInput } from "./export/input.js";
export { type EncodeExportOptions, encodeExportLine } from "./export/line.js";
export { MAX_LINE_BYTES, type ReadExportOptions, type UnknownField } from "./export/read-export.js";
export {
  checkFieldMask,
  compileFieldMask,
  DEFAULT_FIELD_MASK,
  defaultFieldMask,
  type FieldMask,
  FieldMaskError,
  type FieldMaskOptions,
} from "./field-mask.js";
export {
  DEFAULT_LAST,
  type ExtraFlag,
  type FieldFlags,
  type FilterFlagName,
  FLAGS_OF_FIELDS,
  FLOW_FLAG_GROUPS,
  FLOW_FLAGS,
  type Flag,
  FlagError,
  type FlagValues,
  type FlowFlagOptions,
  type FlowFlags,
  type FlowsRequestOptions,
  flagsOfFields,
  flowFlags,
  formatFlowFlags,
  parseFlowFlags,
  toFlowsRequest,
  type ValuesOf,
} from "./flags/index.js";
export { type ClickhouseTableOptions, clickhouseTable } from "./flat/clickhouse.js";
export type { ColumnType, FlatColumn, FlatColumns, FlatValue } from "./flat/column.js";
export { flattenEvent } from "./flat/flatten.js";
export { FLOW_COLUMNS } from "./flat/flow-columns.js";
export { checkFlowLogs, type FlowLogConfig, type FlowLogsFile } from "./flow-log/config.js";
export { type FlowLogExport, type FlowLogExportOptions, flowLogExport } from "./flow-log/export-options.js";
export { flowResponse } from "./flow-response.js";
export {
  createFlowPrinter,
  type FlowPrinter,
  type FormatFlowOptions,
  type FormatStatusOptions,
  formatFlow,
  formatFlows,
  formatServerStatus,
  OUTPUT_FORMATS,
  type OutputFormat,
  type PrintableEvent,
  type PrintedText,
  TIME_FORMATS,
  type TimeFormat,
} from "./format.js";
export { type FlowSelection, selectFlows } from "./select.js";
export type { SelectionLimits } from "./select-matching.js";
export { MAX_LAST, type Selectable } from "./select-matching.js";

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import * as collect from "../src/collect/index.js";
import { FlowscribeError, OptionsError } from "../src/errors/errors.js";
import * as everything from "../src/index.js";
import * as kafka from "../src/kafka/index.js";
import * as metrics from "../src/metrics/index.js";
import * as nats from "../src/nats/index.js";
import { decodeFlow, decodeGetFlowsResponse, FlowSchema, ServerStatusResponseSchema } from "../src/proto.js";
import * as rpc from "../src/rpc/index.js";
import * as checkpointFile from "../src/sink/checkpoint.js";
import * as exportSink from "../src/sink/export.js";
import * as fileSink from "../src/sink/file.js";
import * as httpSink from "../src/sink/http/index.js";
import * as otlpSink from "../src/sink/otlp/index.js";
import * as ebpf from "../src/source/ebpf/index.js";
import * as exportSource from "../src/source/export.js";
import * as file from "../src/source/file.js";
import * as libpcap from "../src/source/libpcap/index.js";
import * as packetSocket from "../src/source/packet-socket/index.js";
import * as testing from "../src/testing/index.js";
import { repository } from "./support/run.js";

/** Invalid for nearly every argument and for every options object. */
const WRONG = {
  null: null,
  "a string": "x",
  "a number": 5,
  "a list": [],
  "an object with an unknown key": { unknownKey: 1 },
} as const;
type Wrong = keyof typeof WRONG;

/** How to call a public function with an invalid first argument, or with invalid options after valid arguments. */
interface Row {
  /** Calls the function with this first argument, followed by valid ones. */
  readonly first?: (value: never) => unknown;
  /** How the message names the first argument. */
  readonly named?: RegExp;
  /** Values that are valid first arguments. */
  readonly accepts?: readonly Wrong[];
  /** Calls the function with valid arguments and these options. */
  readonly options?: (options: never) => unknown;
  /** Values that are valid instead of options. */
  readonly insteadOfOptions?: readonly Wrong[];
}

const ETHERNET = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
const batch = everything.createBatch(ETHERNET, [{ bytes: new Uint8Array(60) }]);
const source = () => everything.fromBatches([batch], ETHERNET);
const message = create(FlowSchema, {});
const include = [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" }];
const { transport } = testing.fakeObserver();
const { service } = testing.fakeRecorder();
const address = everything.parseAddress("10.0.0.1")!;
const folder = mkdtempSync(join(tmpdir(), "flowscribe-functions-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Constructed by this package; `StopTracker` is below. */
const CLASSES = [
  "CaptureError",
  "CelDuration",
  "CelError",
  "CelEvaluationError",
  "CelMap",
  "CelTimestamp",
  "CelTypeValue",
  "CelUint",
  "ConfigurationError",
  "ExportError",
  "ExportLineError",
  "FieldMaskError",
  "FilterError",
  "FlagError",
  "FlowscribeError",
  "OpenError",
  "OptionsError",
  "PacketError",
  "RefusedEventsError",
  "RpcError",
];

/** Exhaustive: an export without a row fails. */
const ROWS: Readonly<Record<string, Row>> = {
  // flowscribe/proto
  decodeFlow: { first: decodeFlow, named: /bytes/ },
  decodeGetFlowsResponse: { first: decodeGetFlowsResponse, named: /bytes/ },
  // flowscribe/net
  compilePrefixSet: { first: everything.compilePrefixSet, named: /prefixes/, accepts: ["a list"] },
  formatAddress: { first: everything.formatAddress, named: /address/ },
  formatIpv4: { first: (bytes) => everything.formatIpv4(bytes, 0), named: /bytes/ },
  formatIpv6: { first: (bytes) => everything.formatIpv6(bytes, 0), named: /bytes/ },
  formatPrefix: { first: everything.formatPrefix, named: /prefix/ },
  isIpv4: { first: everything.isIpv4, named: /address/ },
  parseAddress: { first: everything.parseAddress, named: /text/, accepts: ["a string"] },
  parseAddressInto: {
    first: (text) => everything.parseAddressInto(text, new Uint32Array(4)),
    named: /text/,
    accepts: ["a string"],
  },
  parsePrefix: { first: everything.parsePrefix, named: /text/, accepts: ["a string"] },
  prefixContains: { first: (value) => everything.prefixContains(value, address), named: /prefix/ },
  prefixContainsBytes: {
    first: (value) => everything.prefixContainsBytes(value, new Uint8Array(4), 0, 4),
    named: /prefix/,
  },
  compileNetipPrefixSet: { first: everything.compileNetipPrefixSet, named: /prefixes/, accepts: ["a list"] },
  createNetipAddressBuffer: {},
  formatNetipAddress: { first: everything.formatNetipAddress, named: /address/ },
  formatNetipPrefix: { first: everything.formatNetipPrefix, named: /prefix/ },
  netipPrefixContains: {
    first: (value) => everything.netipPrefixContains(value, everything.createNetipAddressBuffer()),
    named: /prefix/,
  },
  parseNetipAddress: { first: everything.parseNetipAddress, named: /text/, accepts: ["a string"] },
  parseNetipAddressInto: {
    first: (text) => everything.parseNetipAddressInto(text, everything.createNetipAddressBuffer()),
    named: /text/,
    accepts: ["a string"],
  },
  parseNetipPrefix: { first: everything.parseNetipPrefix, named: /text/, accepts: ["a string"] },
  // flowscribe/sink/checkpoint
  openCheckpointFile: { first: checkpointFile.openCheckpointFile, named: /path/, accepts: ["a string"] },
  // flowscribe/observer: flat rows
  clickhouseTable: {
    first: everything.clickhouseTable,
    named: /columns/,
    options: (options) => everything.clickhouseTable(everything.FLOW_COLUMNS, options),
  },
  flattenEvent: { first: everything.flattenEvent, named: /event/ },
  // flowscribe/sink/http
  openHttpSink: {
    first: httpSink.openHttpSink,
    named: /url/,
    options: (options) => httpSink.openHttpSink("http://127.0.0.1:1", options),
  },
  // flowscribe/otlp
  openOtlpSink: { options: otlpSink.openOtlpSink },
  // flowscribe/collect
  formatCollectMetrics: { first: (stats) => collect.formatCollectMetrics(stats, 0), named: /stats/ },
  collect: {
    first: (value) => collect.collect(value, { outputs: [{ name: "a", sink: testing.fakeSink() }] }),
    named: /source/,
    options: (options) => collect.collect(testing.fakeEventSource([]), options),
  },
  fromEvents: {
    first: collect.fromEvents,
    named: /events/,
    accepts: ["a list"],
    options: (options) => collect.fromEvents([], options),
  },
  // flowscribe/filter
  checkFlowFilters: {
    first: everything.checkFlowFilters,
    named: /allow/,
    options: (options) => everything.checkFlowFilters({}, options),
  },
  compileFlowFilter: {
    first: everything.compileFlowFilter,
    named: /FlowFilter/,
    options: (options) => everything.compileFlowFilter({}, options),
  },
  packetPart: {
    first: everything.packetPart,
    named: /allow/,
    options: (options) => everything.packetPart({}, options),
  },
  compileFlowFilters: {
    first: everything.compileFlowFilters,
    named: /allow/,
    options: (options) => everything.compileFlowFilters({}, options),
  },
  explainFlowFilters: {
    first: (lists) => everything.explainFlowFilters(lists, message),
    named: /allow/,
    options: (options) => everything.explainFlowFilters({}, message, options),
  },
  flowEvent: { first: everything.flowEvent, named: /response/ },
  // flowscribe/cel
  compileCel: {
    first: everything.compileCel,
    // The undeclared variable x is an issue of the expression itself.
    named: /expression|undeclared/,
    options: (options) => everything.compileCel("true", options),
  },
  createCelEngine: { options: everything.createCelEngine },
  // flowscribe/packet
  reusedBatchesOf: { first: everything.reusedBatchesOf, named: /source/ },
  capturedBytes: { first: everything.capturedBytes, named: /batch/ },
  checkPacketFilter: { first: everything.checkPacketFilter, named: /include/ },
  compilePacketFilter: { first: everything.compilePacketFilter, named: /include/ },
  copyBatch: { first: everything.copyBatch, named: /batch/ },
  createBatch: { first: (format) => everything.createBatch(format, []), named: /format/ },
  createFlowDecoder: { options: everything.createFlowDecoder },
  createLayers: {},
  cutRecords: { first: (value) => everything.cutRecords(value, 1), named: /batch/ },
  decodeFlows: {
    first: everything.decodeFlows,
    named: /batch/,
    options: (options) => everything.decodeFlows(batch, options),
  },
  formatPacket: { first: (packet) => everything.formatPacket(packet, 1), named: /packet/ },
  formatPacketFilter: {
    first: everything.formatPacketFilter,
    named: /include/,
    options: (options) => everything.formatPacketFilter(include, options),
  },
  fromBatches: {
    first: (batches) => everything.fromBatches(batches, ETHERNET),
    named: /batches/,
    accepts: ["a list"],
    options: (options) => everything.fromBatches([], ETHERNET, options),
  },
  isSupportedLinkType: { first: everything.isSupportedLinkType, named: /linkType/, accepts: ["a number"] },
  filterPackets: { first: (value) => everything.filterPackets(value, () => true), named: /source/ },
  linkTypeName: { first: everything.linkTypeName, named: /linkType/, accepts: ["a number"] },
  locateLayers: {
    first: (bytes) => everything.locateLayers(bytes, 0, 0, 1, everything.createLayers()),
    named: /bytes/,
  },
  maxCapturedLength: { first: everything.maxCapturedLength, named: /linkType/, accepts: ["a number"] },
  packetsOf: { first: everything.packetsOf, named: /batch/ },
  recordEnd: { first: (value) => everything.recordEnd(value, 0), named: /batch/ },
  selectRecords: { first: (value) => everything.selectRecords(value, () => true), named: /batch/ },
  truncateBatch: { first: (value) => everything.truncateBatch(value, 1), named: /batch/ },
  // flowscribe/pcap
  decodeCapture: {
    first: (bytes) => everything.decodeCapture(bytes),
    named: /bytes|empty/,
    options: (options) => everything.decodeCapture(new Uint8Array(0), options),
  },
  encodePcap: {
    first: everything.encodePcap,
    named: /source/,
    options: (options) => everything.encodePcap(source(), options),
  },
  encodePcapng: {
    first: everything.encodePcapng,
    named: /source/,
    options: (options) => everything.encodePcapng(source(), options),
  },
  mergeSources: { first: everything.mergeSources, named: /sources/, accepts: ["a list"] },
  namesBlock: { first: everything.namesBlock, named: /entries/, accepts: ["a list"] },
  secretsBlock: { first: everything.secretsBlock, named: /secrets/ },
  // flowscribe/observer
  checkFieldMask: {
    first: everything.checkFieldMask,
    named: /field_mask/,
    accepts: ["a list"],
    options: (options) => everything.checkFieldMask([], options),
  },
  checkFlowLogs: {
    first: everything.checkFlowLogs,
    named: /flowLogs/,
    accepts: ["a list"],
    options: (options) => everything.checkFlowLogs([], options),
  },
  compileFieldMask: {
    first: everything.compileFieldMask,
    named: /field_mask/,
    accepts: ["a list"],
    options: (options) => everything.compileFieldMask([], options),
  },
  defaultFieldMask: { first: everything.defaultFieldMask, named: /version/ },
  flowLogExport: {
    first: everything.flowLogExport,
    named: /log|name/,
    options: (options) => everything.flowLogExport({ name: "a", filePath: "/a" }, options),
  },
  createFlowPrinter: { options: everything.createFlowPrinter },
  decodeExport: {
    first: everything.decodeExport,
    // The string is a line that is not JSON.
    named: /input|line 1/,
    accepts: ["a list"],
    options: (options) => everything.decodeExport("", options),
  },
  decodeExportBatches: {
    first: everything.decodeExportBatches,
    named: /input|line 1/,
    accepts: ["a list"],
    options: (options) => everything.decodeExportBatches("", options),
  },
  decodeEvent: { first: everything.decodeEvent, named: /event/ },
  encodedEvent: { first: everything.encodedEvent, named: /bytes/ },
  encodeEvent: { first: everything.encodeEvent, named: /event/ },
  encodeExportLine: {
    first: everything.encodeExportLine,
    named: /event/,
    options: (options) => everything.encodeExportLine(message, options),
  },
  flagsOfFields: { first: everything.flagsOfFields, named: /hubble/ },
  flowFlags: { first: everything.flowFlags, named: /hubble/ },
  createCommentedFlows: { options: everything.createCommentedFlows },
  createFlowComments: { options: everything.createFlowComments },
  flowResponse: { first: everything.flowResponse, named: /flow/ },
  formatFlow: {
    first: everything.formatFlow,
    named: /event/,
    options: (options) => everything.formatFlow(message, options),
  },
  formatFlowFlags: { first: everything.formatFlowFlags, named: /allow/ },
  formatFlows: {
    first: everything.formatFlows,
    named: /events/,
    accepts: ["a list"],
    options: (options) => everything.formatFlows([], options),
  },
  formatServerStatus: {
    first: everything.formatServerStatus,
    named: /status/,
    options: (options) => everything.formatServerStatus(create(ServerStatusResponseSchema), options),
  },
  parseFlowFlags: {
    first: everything.parseFlowFlags,
    named: /args/,
    accepts: ["a list"],
    options: (options) => everything.parseFlowFlags([], options),
  },
  selectFlows: {
    first: (batches) => everything.selectFlows(batches, {}),
    named: /batches/,
    accepts: ["a list"],
    options: (options) => everything.selectFlows(emptyStream(), {}, options),
  },
  toFlowsRequest: {
    first: everything.toFlowsRequest,
    named: /flags/,
    options: (options) => everything.toFlowsRequest({ allow: [], deny: [] }, options),
  },
  // flowscribe/recorder
  StopTracker: {
    first: (condition) => new everything.StopTracker(condition),
    named: /StopCondition/,
  },
  checkStartRecording: { first: everything.checkStartRecording, named: /StartRecording/ },
  createAddressSet: { first: everything.createAddressSet, named: /address/, accepts: ["a list"] },
  createTriggeredSource: {
    first: (value) => everything.createTriggeredSource(value),
    named: /source/,
    options: (options) => everything.createTriggeredSource(source(), options),
  },
  createFlightRecorder: {
    first: (value) => everything.createFlightRecorder(value, { sink: fileSink.fileSink(folder) }),
    named: /source/,
    options: (options) => everything.createFlightRecorder(source(), options),
  },
  createRecorderService: { options: everything.createRecorderService },
  record: {
    first: (value) => everything.record(value, { include }),
    named: /source/,
    options: (options) => everything.record(source(), { include }, options),
  },
  recordingFileName: { first: everything.recordingFileName, named: /parts/ },
  // flowscribe/source/*
  openCaptureFile: {
    first: (path) => file.openCaptureFile(path),
    named: /path|open x/,
    options: (options) => file.openCaptureFile("examples/captures/sample.pcap", options),
  },
  compileExpression: {
    first: (text) => libpcap.compileExpression(text),
    // The message without libpcap, or that of libpcap.
    named: /text|"x"|libpcap|koffi/,
    options: (options) => libpcap.compileExpression("tcp", options),
    // A link type.
    insteadOfOptions: ["a number"],
  },
  listDevices: {},
  openLibpcap: {
    first: (device) => libpcap.openLibpcap(device),
    named: /device|libpcap|koffi|\bx\b/,
    options: (options) => libpcap.openLibpcap("nosuch0", options),
  },
  describeProgram: {
    first: ebpf.describeProgram,
    named: /include/,
    options: (options) => ebpf.describeProgram(include, options),
  },
  describeSelection: {
    first: ebpf.describeSelection,
    named: /flows|allow|\bx\b/,
  },
  openEbpf: {
    first: (device) => ebpf.openEbpf(device),
    named: /device|koffi|kernel|\bx\b/,
    options: (options) => ebpf.openEbpf("nosuch0", options),
  },
  openPacketSocket: {
    first: (device) => packetSocket.openPacketSocket(device),
    named: /device|libpcap|koffi|\bx\b/,
    options: (options) => packetSocket.openPacketSocket("nosuch0", options),
  },
  // flowscribe/sink/*
  fileSink: {
    first: fileSink.fileSink,
    named: /folder/,
    accepts: ["a string"],
    options: (options) => fileSink.fileSink(folder, options),
  },
  namedFileSink: {
    first: fileSink.namedFileSink,
    named: /path/,
    accepts: ["a string"],
    options: (options) => fileSink.namedFileSink(join(folder, "a.pcap"), options),
  },
  openKeyLog: {
    first: (path) => fileSink.openKeyLog(typeof path === "string" ? "nosuch.log" : path),
    named: /path|nosuch/,
    options: (options) => fileSink.openKeyLog("nosuch.log", options),
  },
  openExportFile: {
    first: (path) => exportSink.openExportFile(typeof path === "string" ? join(folder, path) : path),
    named: /path/,
    accepts: ["a string"],
    options: (options) => exportSink.openExportFile(join(folder, "flows.log"), options),
  },
  openFlowFile: {
    first: (path) => exportSink.openFlowFile(typeof path === "string" ? join(folder, path) : path),
    named: /path/,
    accepts: ["a string"],
    options: (options) => exportSink.openFlowFile(join(folder, "flows.jsonl"), options),
  },
  openExportStream: {
    first: exportSink.openExportStream,
    named: /stream/,
    options: (options) => exportSink.openExportStream(new PassThrough(), options),
  },
  filterExport: {
    first: (input) => everything.filterExport(input, {}),
    // The string is a line that is not JSON.
    named: /input|line 1/,
    accepts: ["a list"],
    options: (options) => everything.filterExport("", {}, options),
  },
  // flowscribe/source/export
  exportFileSource: {
    first: exportSource.exportFileSource,
    named: /path/,
    accepts: ["a string"],
    options: (options) => exportSource.exportFileSource("events.log", options),
  },
  filterFiles: {
    first: (paths) => exportSource.filterFiles(paths, {}),
    named: /paths/,
    accepts: ["a list"],
    options: (options) => exportSource.filterFiles([], {}, options),
  },
  // flowscribe/rpc
  createHealthService: {
    first: (services) => rpc.createHealthService(services),
    named: /services/,
    accepts: ["a list"],
    options: (options) => rpc.createHealthService([], options),
  },
  folderBytes: { first: rpc.folderBytes, named: /folder/, accepts: ["a string"] },
  formatMetrics: { first: rpc.formatMetrics, named: /counters/ },
  // Any value can be thrown.
  fromConnectError: { first: rpc.fromConnectError, accepts: Object.keys(WRONG) as Wrong[] },
  toConnectError: { first: rpc.toConnectError, accepts: Object.keys(WRONG) as Wrong[] },
  getAgentEvents: {
    first: (value) => rpc.getAgentEvents(value),
    named: /transport/,
    options: (options) => rpc.getAgentEvents(transport, {}, options),
  },
  getDebugEvents: {
    first: (value) => rpc.getDebugEvents(value),
    named: /transport/,
    options: (options) => rpc.getDebugEvents(transport, {}, options),
  },
  getNamespaces: {
    first: (value) => rpc.getNamespaces(value),
    named: /transport/,
    options: (options) => rpc.getNamespaces(transport, options),
  },
  getNodes: {
    first: (value) => rpc.getNodes(value),
    named: /transport/,
    options: (options) => rpc.getNodes(transport, options),
  },
  grpcJsRecorder: { first: rpc.grpcJsRecorder, named: /service/ },
  notifyPeers: {
    first: (value) => rpc.notifyPeers(value),
    named: /transport/,
    options: (options) => rpc.notifyPeers(transport, options),
  },
  observerSource: {
    first: (value) => rpc.observerSource(value),
    named: /transport/,
    options: (options) => rpc.observerSource(transport, {}, options),
  },
  observe: {
    first: (value) => rpc.observe(value),
    named: /transport/,
    options: (options) => rpc.observe(transport, {}, options),
  },
  openRecorderServer: {
    first: (value) => (value === "x" ? undefined : rpc.openRecorderServer(value, service)),
    named: /address/,
    accepts: ["a string"],
    options: (options) => rpc.openRecorderServer(`unix://${folder}/socket`, service, options),
  },
  openTransport: {
    first: rpc.openTransport,
    named: /address/,
    accepts: ["a string"],
    options: (options) => rpc.openTransport("localhost:1", options),
  },
  parseTarget: { first: rpc.parseTarget, named: /text/, accepts: ["a string"] },
  peerOfRequest: { first: rpc.peerOfRequest, named: /request/ },
  readClientTls: { options: rpc.readClientTls },
  readServerTls: { options: rpc.readServerTls },
  recordRemote: {
    first: (value) => rpc.recordRemote(value, { include }),
    named: /transport/,
    options: (options) => rpc.recordRemote(testing.fakeRecorder().transport, { include }, options),
  },
  recorderRoutes: { first: rpc.recorderRoutes, named: /service/ },
  reflectionRoutes: { first: rpc.reflectionRoutes, named: /services/, accepts: ["a list"] },
  serverStatus: {
    first: (value) => rpc.serverStatus(value),
    named: /transport/,
    options: (options) => rpc.serverStatus(transport, options),
  },
  // flowscribe/nats
  openJetStreamSink: { options: nats.openJetStreamSink },
  openJetStreamSource: { options: nats.openJetStreamSource },
  subjectToken: { first: nats.subjectToken, named: /name/, accepts: ["a string"] },
  // flowscribe/kafka
  openKafkaSink: { options: kafka.openKafkaSink },
  openKafkaSource: { options: kafka.openKafkaSource },
  // flowscribe/collect
  aggregateFlows: {
    first: (value) => collect.aggregateFlows(value, { fields: ["verdict"] }),
    named: /events/,
    accepts: ["a list"],
    options: (options) => collect.aggregateFlows([], options),
  },
  conversationsOf: {
    first: (value) => collect.conversationsOf(value),
    named: /events/,
    accepts: ["a list"],
    options: (options) => collect.conversationsOf([], options),
  },
  createAddressBook: { options: collect.createAddressBook },
  createConversations: { options: collect.createConversations },
  createFlowAggregator: { options: collect.createFlowAggregator },
  selectByName: {
    first: (value) =>
      collect.selectByName(value, { book: collect.createAddressBook(), selection: { pod: ["a/b"] } }),
    named: /source/,
    options: (options) => collect.selectByName(source(), options),
  },
  // flowscribe/metrics
  createFlowMetrics: {
    options: metrics.createFlowMetrics,
  },
  metricsHandler: { first: metrics.metricsHandler, named: /metrics/ },
  parseHubbleMetrics: {
    first: metrics.parseHubbleMetrics,
    named: /metric/,
    accepts: ["a list"],
    options: (options) => metrics.parseHubbleMetrics("drop", options),
  },
  // flowscribe/testing
  fakeClock: { first: testing.fakeClock, named: /startMs/, accepts: ["a number"] },
  fakeEventSource: { first: testing.fakeEventSource, named: /batches/, accepts: ["a list", "a string"] },
  fakeSink: { options: testing.fakeSink },
  fakeObserver: { options: testing.fakeObserver },
  fakeRecorder: { options: testing.fakeRecorder },
  flow: { first: testing.flow, named: /init/ },
};

async function* emptyStream(): AsyncGenerator<never[], void, undefined> {}

/** Messages of V8 for an invalid value that passed the argument check. */
const INTERNAL =
  /Cannot (read|set|destructure|use|mix|convert)|is not (a function|iterable|a constructor|an Object)|reading '|undefined \(/;

/** The outcome of a call: the error that it, its promise or its iterator throws; returned issues count as thrown. */
async function outcomeOf(call: () => unknown): Promise<{ readonly error: unknown } | undefined> {
  try {
    const result = await call();
    if (Array.isArray(result) && result.length > 0) {
      return { error: new OptionsError(result) };
    }
    if (typeof result === "object" && result !== null && "next" in result) {
      await (result as AsyncIterator<unknown>).next();
    }
    return undefined;
  } catch (error) {
    return { error };
  }
}

function expectClear(error: unknown, named: RegExp): void {
  const isSystemError = error instanceof Error && "syscall" in error;
  const isOurs = [FlowscribeError, TypeError, RangeError].some((one) => error instanceof one);
  expect(isOurs || isSystemError, String(error)).toBe(true);
  expect(String(error)).not.toMatch(INTERNAL);
  expect(String(error)).toMatch(named);
}

const wrongValues = Object.entries(WRONG) as [Wrong, unknown][];

const firstCases = Object.entries(ROWS).flatMap(([name, { first, named, accepts = [] }]) =>
  first === undefined
    ? []
    : wrongValues.map(([what, value]) => ({
        name,
        what,
        // Invalid on purpose, as from an untyped caller.
        call: () => first(value as never),
        named: named ?? /^$/,
        isAccepted: accepts.includes(what),
      })),
);

const optionCases = Object.entries(ROWS).flatMap(([name, { options, insteadOfOptions = [] }]) =>
  options === undefined
    ? []
    : wrongValues
        .filter(([what]) => !insteadOfOptions.includes(what))
        .map(([what, value]) => ({ name, what, call: () => options(value as never) })),
);

describe("public functions", () => {
  test("every function of every entry point has a row", async () => {
    const { exports } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      exports: Record<string, string | { default: string }>;
    };
    const names = new Set<string>();
    for (const entry of Object.values(exports)) {
      if (typeof entry === "string") continue;
      const path = entry.default.replace("./dist/", "../src/").replace(/\.js$/, ".ts");
      const module: Record<string, unknown> = await import(path);
      for (const [name, value] of Object.entries(module)) if (typeof value === "function") names.add(name);
    }
    expect([...names].sort()).toEqual([...CLASSES, ...Object.keys(ROWS)].sort());
  });

  test.each(firstCases)("$name: names its first argument in the error if it is $what", async (row) => {
    const outcome = await outcomeOf(row.call);
    if (row.isAccepted && outcome === undefined) return;
    expect(outcome, "nothing was thrown").toBeDefined();
    expectClear(outcome?.error, row.named);
  });

  test.each(optionCases)("$name: rejects options that are $what", async ({ what, call }) => {
    const outcome = await outcomeOf(call);
    expect(outcome, "nothing was thrown").toBeDefined();
    expectClear(outcome?.error, what === "an object with an unknown key" ? /unknownKey/ : /options/);
    expect(outcome?.error).toMatchObject({ code: "invalid_options" });
  });
});

import { checkOptions } from "../errors/check-options.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import { checkBatch, type PacketBatch, RECORD_HEADER_LENGTH, recordEnd } from "./batch.js";
import { addressText } from "./flow/address-text.js";
import { Conversations } from "./flow/conversations.js";
import { createFlowLayers, type LocateFlowLayers } from "./flow/flow-layers.js";
import {
  DEFAULT_LOOKUP_ENTRIES,
  DEFAULT_MAX_CONVERSATIONS,
  FLOW_OPTIONS,
  type FlowOptions,
} from "./flow/flow-options.js";
import { locateLenient } from "./flow/locate-lenient.js";
import { locateStrict } from "./flow/locate-strict.js";
import { Lookups } from "./flow/lookups.js";
import { createFlow, type FlowConstants } from "./flow/message.js";
import { PacketError } from "./flow/packet-error.js";
import { RecordClock } from "./flow/record-time.js";
import { DEFAULT_TUNNEL_PORTS, locateThroughTunnels } from "./flow/tunnel.js";
import { UnsupportedLinkTypes } from "./unsupported-link-types.js";

/** Decodes batch after batch; what it remembers of lookups and conversations is carried over. */
export interface FlowDecoder {
  /**
   * The flows of a batch, made while they are asked for: of a batch that was only lent, take them before the next one.
   * Without `strict` there is one for every packet, in their order; with it packets that Hubble refuses are left out (see
   * {@link FlowOptions.onError} and {@link decodeEach}).
   */
  decode(batch: PacketBatch): Iterable<Flow>;
  /** One result for every packet, in their order: so the place in the iteration is the packet's index. */
  decodeEach(batch: PacketBatch): Iterable<Flow | PacketError>;
  /**
   * One packet alone. Packets count, and are remembered for telling replies, in the order in which they are decoded.
   *
   * @throws RangeError when the batch has no such packet.
   */
  decodeAt(batch: PacketBatch, index: number): Flow | PacketError;
  readonly stats: FlowDecoderStats;
  /** Forgets the answers of lookups and all conversations; the counts stay. */
  forget(): void;
}

/** Counts of a decoder since it was made. */
export interface FlowDecoderStats {
  /** Packets looked at: flows and errors together. */
  readonly packets: number;
  /** Packets refused. */
  readonly errors: number;
  /**
   * Packets whose flows have nothing but a time, as their link type is not supported: a count for each such link type, at most
   * 65,536. Empty with `strict`, which refuses them.
   */
  readonly unsupportedLinkTypes: ReadonlyMap<number, number>;
  /** Answers of lookups forgotten to keep {@link FlowOptions.memoEntries}. */
  readonly lookupsEvicted: number;
  /** Conversations remembered now. */
  readonly conversations: number;
  /** Conversations forgotten to keep {@link FlowOptions.maxConversations}. */
  readonly conversationsEvicted: number;
}

/**
 * The flows of a batch, as Hubble would tell of its packets: `time`, `ethernet`, `IP`, `l4`, `Type`, `Summary` and
 * `node_name`, and what the options add. Malformed packets are data: each gives a flow as far as its bytes go, or with
 * `strict` none (see {@link FlowOptions}). Never throws, whatever the bytes.
 *
 * This is the short form of {@link createFlowDecoder}: lookups and conversations are remembered for this batch only.
 *
 * @throws OptionsError; TypeError for another batch.
 */
export function decodeFlows(batch: PacketBatch, options: FlowOptions = {}): Iterable<Flow> {
  checkBatch("decodeFlows", batch);
  return createFlowDecoder(options).decode(batch);
}

/**
 * A decoder for the batches of one source.
 *
 * @throws OptionsError
 */
export function createFlowDecoder(options: FlowOptions = {}): FlowDecoder {
  checkOptions("createFlowDecoder", options, FLOW_OPTIONS);
  const {
    onError,
    strict = false,
    guessReplies = false,
    maxConversations = DEFAULT_MAX_CONVERSATIONS,
    memoEntries = DEFAULT_LOOKUP_ENTRIES,
  } = options;
  const constants = constantsOf(options);
  const locate = locatorOf(options);
  const layers = createFlowLayers();
  const clock = new RecordClock();
  const text = addressText();
  const lookups = new Lookups(options, memoEntries);
  const { asksAlways } = lookups;
  const conversations = new Conversations(maxConversations);
  const unsupportedLinkTypes = new UnsupportedLinkTypes();
  let packets = 0;
  let errors = 0;

  function decodeOne(batch: PacketBatch, index: number): Flow | PacketError {
    const { records, format } = batch;
    const record = batch.offsets[index]!;
    const start = record + RECORD_HEADER_LENGTH;
    packets++;
    if (!strict) unsupportedLinkTypes.add(format.linkType, 1);
    if (!locate(records, start, recordEnd(batch, index), format.linkType, layers)) {
      errors++;
      const error = new PacketError(layers.fault, layers.faultLayer, index, layers.faultAt - start);
      onError?.(error);
      return error;
    }
    const flow = createFlow(records, layers, clock.timeOf(batch, record), text, constants);
    if (guessReplies) setReply(flow, conversations.isReply(flow));
    const { interfaceIndex } = layers;
    if (asksAlways || interfaceIndex !== 0) lookups.apply(flow, interfaceIndex, format.interfaceId);
    return flow;
  }

  function* decodeEach(batch: PacketBatch): Generator<Flow | PacketError, void, undefined> {
    for (let index = 0; index < batch.length; index++) yield decodeOne(batch, index);
  }

  function* decode(batch: PacketBatch): Generator<Flow, void, undefined> {
    for (let index = 0; index < batch.length; index++) {
      const result = decodeOne(batch, index);
      if (!(result instanceof PacketError)) yield result;
    }
  }

  return {
    decode,
    decodeEach,
    decodeAt(batch, index) {
      if (!(Number.isInteger(index) && index >= 0 && index < batch.length)) {
        throw new RangeError(`no packet ${index} in a batch of ${batch.length}`);
      }
      return decodeOne(batch, index);
    },
    get stats() {
      return {
        packets,
        errors,
        unsupportedLinkTypes: unsupportedLinkTypes.counts,
        lookupsEvicted: lookups.evicted,
        conversations: conversations.size,
        conversationsEvicted: conversations.evicted,
      };
    },
    forget() {
      lookups.forget();
      conversations.forget();
    },
  };
}

function locatorOf({ strict = false, tunnels = false }: FlowOptions): LocateFlowLayers {
  if (strict) return locateStrict;
  if (tunnels === false) return locateLenient;
  if (tunnels === true) return locateThroughTunnels(DEFAULT_TUNNEL_PORTS);
  return locateThroughTunnels({ vxlan: [], geneve: [], ...tunnels });
}

function constantsOf({
  nodeName = "",
  nodeLabels = [],
  verdict = 0,
  trafficDirection = 0,
  isReply,
  eventType,
}: FlowOptions): FlowConstants {
  return {
    nodeName,
    nodeLabels: [...nodeLabels],
    verdict,
    trafficDirection,
    isReply,
    eventType: eventType && { type: eventType.type ?? 0, subType: eventType.subType ?? 0 },
  };
}

function setReply(flow: Flow, isReply: boolean | undefined): void {
  if (isReply === undefined) return;
  flow.isReply = isReply;
  flow.reply = isReply;
}

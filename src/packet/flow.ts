import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { valueCheck } from "../errors/value-checks.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import { checkBatch, type PacketBatch, RECORD_HEADER_LENGTH, recordEnd } from "./batch.js";
import { addressText } from "./flow/address-text.js";
import { Conversations } from "./flow/conversations.js";
import {
  DEFAULT_LOOKUP_ENTRIES,
  DEFAULT_MAX_CONVERSATIONS,
  FLOW_OPTIONS,
  type FlowOptions,
} from "./flow/flow-options.js";
import { createFlowLayers } from "./flow/locate/flow-layers.js";
import { locatorOf } from "./flow/locate/locator.js";
import { PacketError } from "./flow/locate/packet-error.js";
import { Lookups } from "./flow/lookup/lookups.js";
import { createFlow, type FlowConstants } from "./flow/message.js";
import { PacketPart } from "./flow/packet-part.js";
import { RecordClock } from "./flow/record-time.js";
import { UnsupportedLinkTypes } from "./unsupported-link-types.js";

/** Decodes batches into flows; cached lookups and conversations are kept from one batch to the next. */
export interface FlowDecoder {
  /**
   * Decodes the flows of a batch lazily: if the source reuses the memory of its batches, consume them before the next
   * pull. Without `strict` every packet yields a flow, in order; with it, packets that Hubble rejects are skipped (see
   * {@link FlowOptions.onError} and {@link decodeEach}).
   *
   * @param part Skips packets that it does not match without creating their flows, which is several times as fast.
   *   Everything else is as without it: they are counted, and conversations are tracked.
   */
  decode(batch: PacketBatch, part?: PacketPart): Iterable<Flow>;
  /**
   * Yields one result per packet, in order, so that the position in the iteration is the index of the packet. With
   * `part`, packets that it does not match have no result.
   */
  decodeEach(batch: PacketBatch, part?: PacketPart): Iterable<Flow | PacketError>;
  /**
   * Decodes a single packet. Each call counts in {@link stats}, and replies are guessed from the order of decoding.
   *
   * @throws RangeError if the batch has no such packet.
   */
  decodeAt(batch: PacketBatch, index: number): Flow | PacketError;
  /** The same; returns undefined if `part` does not match the packet. */
  decodeAt(batch: PacketBatch, index: number, part: PacketPart | undefined): Flow | PacketError | undefined;
  readonly stats: FlowDecoderStats;
  /** Clears the cached lookup results and all conversations; keeps the counters. */
  forget(): void;
}

/** Counters of a decoder since its creation. */
export interface FlowDecoderStats {
  /** Decoded packets: flows and errors together. */
  readonly packets: number;
  /** Packets rejected in strict mode. */
  readonly errors: number;
  /**
   * Packets per unsupported link type, at most 65,536 types; the flows of such packets have no decoded fields but the
   * time. Empty with `strict`, which rejects these packets.
   */
  readonly unsupportedLinkTypes: ReadonlyMap<number, number>;
  /** Lookup results evicted to respect {@link FlowOptions.memoEntries}. */
  readonly lookupsEvicted: number;
  /** Conversations tracked at present. */
  readonly conversations: number;
  /** Conversations evicted to respect {@link FlowOptions.maxConversations}. */
  readonly conversationsEvicted: number;
}

/**
 * Decodes the packets of a batch into the flows that Hubble would report: `time`, `ethernet`, `IP`, `l4`, `Type`,
 * `Summary` and `node_name`, and the fields that the options set. A malformed packet yields a flow with the layers that
 * could be decoded, or is skipped with `strict` (see {@link FlowOptions}). No packet bytes make the iteration throw.
 *
 * Shorthand for {@link createFlowDecoder}: lookups are cached and conversations tracked for this batch only.
 *
 * @throws OptionsError; TypeError if `batch` is not a packet batch.
 */
export function decodeFlows(batch: PacketBatch, options: FlowOptions = {}): Iterable<Flow> {
  checkBatch("decodeFlows", batch);
  return createFlowDecoder(options).decode(batch);
}

/**
 * Creates a decoder for the batches of one source.
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

  function decodeOne(batch: PacketBatch, index: number, part?: PacketPart): Flow | PacketError | undefined {
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
    const matches = part === undefined || part.matchesLayers(records, layers);
    if (!matches && !guessReplies) return undefined;
    const flow = createFlow(records, layers, clock.timeOf(batch, record), text, constants);
    if (guessReplies) setReply(flow, conversations.isReply(flow));
    if (!matches) return undefined;
    const { interfaceIndex } = layers;
    if (asksAlways || interfaceIndex !== 0) lookups.apply(flow, interfaceIndex, format.interfaceId);
    return flow;
  }

  function* decodeEach(
    batch: PacketBatch,
    part?: PacketPart,
  ): Generator<Flow | PacketError, void, undefined> {
    checkPart("decodeEach", part);
    for (let index = 0; index < batch.length; index++) {
      const result = decodeOne(batch, index, part);
      if (result !== undefined) yield result;
    }
  }

  function* decode(batch: PacketBatch, part?: PacketPart): Generator<Flow, void, undefined> {
    checkPart("decode", part);
    // Not from `decodeEach`: a generator within a generator takes a tenth more time.
    for (let index = 0; index < batch.length; index++) {
      const result = decodeOne(batch, index, part);
      if (result !== undefined && !(result instanceof PacketError)) yield result;
    }
  }

  function decodeAt(batch: PacketBatch, index: number, part?: PacketPart): Flow | PacketError | undefined {
    if (!(Number.isInteger(index) && index >= 0 && index < batch.length)) {
      throw new RangeError(`no packet ${index} in a batch of ${batch.length}`);
    }
    checkPart("decodeAt", part);
    return decodeOne(batch, index, part);
  }

  return {
    decode,
    decodeEach,
    // Without a part there is always a result.
    decodeAt: decodeAt as FlowDecoder["decodeAt"],
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

const aPacketPart = valueCheck<PacketPart>("what packetPart returns", (value) => value instanceof PacketPart);

function checkPart(name: string, part: PacketPart | undefined): void {
  if (part !== undefined && !(part instanceof PacketPart)) checkArgument(name, "part", part, aPacketPart);
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

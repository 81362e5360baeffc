import { create, equals, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFlowAggregator } from "../../../src/collect/index.js";
import type { FlowEnvelope } from "../../../src/filter/index.js";
import { ExportEventSchema } from "../../../src/gen/observer/observer_pb.js";
import { flowResponse } from "../../../src/observer/index.js";
import {
  AggregateSchema,
  decodeFlow,
  decodeGetFlowsResponse,
  type Flow,
  FlowSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
  type TrafficDirection,
} from "../../../src/proto.js";
import { flow } from "../../../src/testing/index.js";
import { encodedFlows } from "../../bench/inputs/corpus.js";
import { anyFlow } from "../../filter/arbitrary.js";
import { everyNth, nth, runs } from "../../support/amount.js";
import { naiveAggregate } from "./oracle.js";

const corpus = encodedFlows();
const STEP = 5;
const FIELDS = [
  ["verdict"],
  ["source.pod_name", "destination.pod_name", "l4.TCP.destination_port"],
  ["source", "l4"],
  ["source.labels", "is_reply", "node_name", "Type"],
];

function responseOf(init: Parameters<typeof flow>[0]): GetFlowsResponse {
  return flowResponse(flow(init));
}

function lostEvents(count: bigint): GetFlowsResponse {
  return create(GetFlowsResponseSchema, {
    responseTypes: { case: "lostEvents", value: { numEventsLost: count } },
  });
}

function encode(event: GetFlowsResponse): Uint8Array {
  return toBinary(GetFlowsResponseSchema, event);
}

function flowOf({ responseTypes }: FlowEnvelope): Flow {
  if (responseTypes.case !== "flow") throw new Error("not a flow");
  return responseTypes.value;
}

function countsOf(event: FlowEnvelope): unknown {
  return toJson(AggregateSchema, flowOf(event).aggregate!);
}

describe("createFlowAggregator", () => {
  test("counts equal flows by direction and keeps the first one", () => {
    const aggregator = createFlowAggregator<GetFlowsResponse>({ fields: ["source.pod_name"] });
    const first = responseOf({ from: "shop/cart", trafficDirection: 1, uuid: "1", time: new Date(5000) });
    const others = [
      responseOf({ from: "shop/cart", trafficDirection: 2, uuid: "2" }),
      responseOf({ from: "shop/web", trafficDirection: 0, uuid: "3" }),
      responseOf({ from: "shop/cart", trafficDirection: 1, uuid: "4" }),
      responseOf({ from: "shop/cart", trafficDirection: 77 as TrafficDirection, uuid: "5" }),
    ];
    for (const event of [first, ...others]) expect(aggregator.add(event)).toEqual([]);
    const events = aggregator.flush();
    expect(events.map((event) => [flowOf(event).uuid, countsOf(event)])).toEqual([
      ["1", { ingressFlowCount: 2, egressFlowCount: 1, unknownDirectionFlowCount: 1 }],
      ["3", { unknownDirectionFlowCount: 1 }],
    ]);
    const [{ aggregate, ...rest }, { aggregate: none, ...given }] = [flowOf(events[0]!), flowOf(first)];
    expect(rest).toEqual(given);
    expect(aggregate).toBeDefined();
    expect(none).toBeUndefined();
    expect(events[0]).toMatchObject({ nodeName: first.nodeName, time: first.time });
  });

  test("begins anew after a flush", () => {
    const aggregator = createFlowAggregator<GetFlowsResponse>({ fields: ["verdict"] });
    aggregator.add(responseOf({ uuid: "1" }));
    aggregator.flush();
    expect(aggregator.flush()).toEqual([]);
    aggregator.add(responseOf({ uuid: "2" }));
    expect(aggregator.flush().map((event) => flowOf(event).uuid)).toEqual(["2"]);
  });

  test("returns events that are not flows at once, unchanged", () => {
    const aggregator = createFlowAggregator({ fields: ["verdict"] });
    const events = [lostEvents(3n), create(ExportEventSchema), encode(lostEvents(4n)), new Uint8Array(0)];
    for (const event of events) expect(aggregator.add(event)[0]).toBe(event);
    expect(aggregator.flush()).toEqual([]);
  });

  test("keeps only the fields and the time with keep: fields, as Hubble's exporter writes it", () => {
    const options = { fields: ["source.pod_name", "verdict"], keep: "fields" } as const;
    const event = responseOf({ from: "shop/cart", verdict: 2, time: new Date(5000), nodeName: "n1" });
    const messages = createFlowAggregator<GetFlowsResponse>(options);
    messages.add(event);
    const expected = create(GetFlowsResponseSchema, {
      responseTypes: {
        case: "flow",
        value: {
          time: { seconds: 5n },
          verdict: 2,
          source: { podName: "cart" },
          aggregate: { unknownDirectionFlowCount: 1 },
        },
      },
      time: { seconds: 5n },
    });
    const direction = flowOf(event).trafficDirection;
    flowOf(expected).aggregate = create(AggregateSchema, {
      ingressFlowCount: Number(direction === 1),
      egressFlowCount: Number(direction === 2),
      unknownDirectionFlowCount: Number(direction === 0),
    });
    expect(equals(GetFlowsResponseSchema, messages.flush()[0]!, expected)).toBe(true);
    const encoded = createFlowAggregator<Uint8Array>(options);
    encoded.add(encode(event));
    expect(encoded.flush()).toEqual([encode(expected)]);
  });

  test("returns the oldest group early at the maximum of groups, and counts it", () => {
    const aggregator = createFlowAggregator<GetFlowsResponse>({ fields: ["uuid"], maxGroups: 2 });
    const added = ["a", "b", "a", "c", "a", "b"].map((uuid) =>
      aggregator.add(responseOf({ uuid })).map((event) => flowOf(event).uuid),
    );
    expect(added).toEqual([[], [], [], ["a"], ["b"], ["c"]]);
    expect(aggregator.stats).toEqual({ flows: 6, groups: 2, written: 3, early: 3 });
    expect(aggregator.flush().map((event) => flowOf(event).uuid)).toEqual(["a", "b"]);
    expect(aggregator.stats).toEqual({ flows: 6, groups: 0, written: 5, early: 3 });
  });

  test("returns the flows of further groups for themselves with whenFull: new", () => {
    const options = { fields: ["uuid"], maxGroups: 2, whenFull: "new" } as const;
    const aggregator = createFlowAggregator<GetFlowsResponse>(options);
    const added = ["a", "b", "a", "c", "c", "b"].map((uuid) =>
      aggregator.add(responseOf({ uuid })).map((event) => [flowOf(event).uuid, countTotal(event)]),
    );
    expect(added).toEqual([[], [], [], [["c", 1]], [["c", 1]], []]);
    expect(aggregator.stats).toEqual({ flows: 6, groups: 2, written: 2, early: 2 });
    expect(aggregator.flush().map((event) => [flowOf(event).uuid, countTotal(event)])).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
  });

  test("lists the groups so far without ending them", () => {
    const aggregator = createFlowAggregator<GetFlowsResponse>({ fields: ["uuid"] });
    const events = ["a", "b", "a"].map((uuid) => responseOf({ uuid, trafficDirection: 1 }));
    for (const event of events) aggregator.add(event);
    const groups = [...aggregator.groups()];
    expect(groups).toMatchObject([
      { ingress: 2, egress: 0, unknown: 0 },
      { ingress: 1, egress: 0, unknown: 0 },
    ]);
    expect(groups.map(({ first }) => first)).toEqual(events.slice(0, 2));
    expect(aggregator.flush()).toHaveLength(2);
    expect([...aggregator.groups()]).toEqual([]);
  });

  test("ends the groups by the times of the flows with flowIntervalMs", () => {
    const aggregator = createFlowAggregator<GetFlowsResponse | Uint8Array>({
      fields: ["verdict"],
      flowIntervalMs: 1000,
    });
    const at = (milliseconds: number) =>
      responseOf({ uuid: `${milliseconds}`, time: new Date(milliseconds) });
    const ended = [500, 1499, 100, 1500, 2400, 2499].map((time) => aggregator.add(at(time)).length);
    expect(ended).toEqual([0, 0, 0, 1, 0, 0]);
    const untimed = flow({ uuid: "untimed" });
    delete untimed.time;
    expect(aggregator.add(flowResponse(untimed))).toEqual([]);
    const [event] = aggregator.add(encode(at(9000)));
    expect([flowOf(event as GetFlowsResponse).uuid, countTotal(event as GetFlowsResponse)]).toEqual([
      "1500",
      4,
    ]);
  });

  test("counts flows that are aggregated as those that they stand for", () => {
    const aggregator = createFlowAggregator<GetFlowsResponse>({ fields: ["verdict"] });
    const aggregate = create(AggregateSchema, { ingressFlowCount: 2 ** 32 - 1, egressFlowCount: 4 });
    const empty = create(AggregateSchema);
    aggregator.add(responseOf({ aggregate, trafficDirection: 1 }));
    aggregator.add(responseOf({ aggregate, trafficDirection: 1 }));
    aggregator.add(responseOf({ aggregate: empty, trafficDirection: 2 }));
    expect(countsOf(aggregator.flush()[0]!)).toEqual({ ingressFlowCount: 2 ** 32 - 1, egressFlowCount: 9 });
  });

  test("copies encoded events, of which only the aggregate changes", () => {
    const aggregator = createFlowAggregator<Uint8Array>({ fields: ["verdict"] });
    const other = createFlowAggregator<Uint8Array>({ fields: ["verdict"] });
    const given = responseOf({ uuid: "1", trafficDirection: 0 });
    const bytes = Buffer.from(encode(given));
    const unknownField = Uint8Array.of(0xf8, 0x7f, 1);
    aggregator.add(bytes);
    other.add(Buffer.concat([bytes, unknownField]));
    bytes.fill(0);
    const [event] = aggregator.flush();
    const { aggregate, ...rest } = flowOf(fromBinary(GetFlowsResponseSchema, event!));
    expect(aggregate).toMatchObject({ unknownDirectionFlowCount: 1 });
    expect(toBinary(FlowSchema, { ...rest })).toEqual(toBinary(FlowSchema, flowOf(given)));
    const kept = fromBinary(GetFlowsResponseSchema, other.flush()[0]!);
    expect(kept.$unknown).toHaveLength(1);
    expect(countTotal(kept)).toBe(1);
  });

  test.each(FIELDS)(`groups the flows of the corpus as the oracle does by %s${nth(STEP)}`, (...fields) => {
    const events = everyNth(STEP, corpus).map((bytes) => flowResponse(decodeFlow(bytes)));
    const expected = naiveAggregate(events, fields);
    const messages = createFlowAggregator<GetFlowsResponse>({ fields });
    const encoded = createFlowAggregator<Uint8Array>({ fields });
    for (const event of events) {
      messages.add(event);
      encoded.add(encode(event));
    }
    const results = [messages.flush(), encoded.flush().map(decodeGetFlowsResponse)];
    for (const result of results) {
      expect(result.map(countsOf)).toEqual(expected.map(({ counts }) => counts));
      expect(result.map((event) => flowOf(event).uuid)).toEqual(expected.map(({ flow: { uuid } }) => uuid));
    }
  });

  test("yields the same for messages and their bytes, and the same again when aggregated again", () => {
    const events = fc.array(anyFlow.map(flowResponse), { maxLength: 12 });
    const keep = fc.constantFrom("whole", "fields");
    fc.assert(
      fc.property(
        events,
        fc.constantFrom(...FIELDS),
        keep,
        fc.integer({ min: 1, max: 5 }),
        (list, fields, kept, maxGroups) => {
          const options = { fields, keep: kept, maxGroups } as const;
          const messages = createFlowAggregator<GetFlowsResponse>(options);
          const encoded = createFlowAggregator<Uint8Array>(options);
          const results = [...list.flatMap((event) => [...messages.add(event)]), ...messages.flush()];
          const bytes = [...list.flatMap((event) => [...encoded.add(encode(event))]), ...encoded.flush()];
          expect(bytes.map((one) => encode(decodeGetFlowsResponse(one)))).toEqual(results.map(encode));
          const again = createFlowAggregator<GetFlowsResponse>({ ...options, maxGroups: 100 });
          for (const event of results) again.add(event);
          const whole = createFlowAggregator<GetFlowsResponse>({ ...options, maxGroups: 100 });
          for (const event of list) whole.add(event);
          expect(again.flush().map(countsOf)).toEqual(whole.flush().map(countsOf));
        },
      ),
      { numRuns: runs(600) },
    );
  });

  test("rejects invalid paths, all at once", () => {
    const create = () =>
      createFlowAggregator({
        fields: ["source.pod", "verdict", "aggregate.ingress_flow_count"],
        maxGroups: 0,
      });
    expect(create).toThrow(
      [
        'fields[0]: invalid fieldmask: invalid path "source.pod" for message "flow.Flow"',
        "fields[2]: is the result of the aggregation; remove it",
        "maxGroups: must be an integer from 1 to 16777216, not 0",
      ].join("\n"),
    );
    expect(() => createFlowAggregator({ fields: [] })).toThrow("fields: must have at least one path");
  });

  test("rejects events that are none of the accepted types, and damaged bytes", () => {
    const aggregator = createFlowAggregator({ fields: ["verdict"] });
    expect(() => aggregator.add(flow() as never)).toThrow(TypeError);
    expect(() => aggregator.add(null as never)).toThrow("add: event must be a message of type");
    expect(() => aggregator.add(Uint8Array.of(10, 5, 1))).toThrow(
      expect.objectContaining({ code: "malformed_message" }),
    );
  });
});

function countTotal(event: FlowEnvelope | Uint8Array): number {
  const envelope = event instanceof Uint8Array ? decodeGetFlowsResponse(event) : event;
  const { ingressFlowCount, egressFlowCount, unknownDirectionFlowCount } = flowOf(envelope).aggregate!;
  return ingressFlowCount + egressFlowCount + unknownDirectionFlowCount;
}

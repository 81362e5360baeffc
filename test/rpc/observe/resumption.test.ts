import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type GetFlowsRequest,
  GetFlowsRequestSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../../src/gen/observer/observer_pb.js";
import { MAX_REMEMBERED, Resumption } from "../../../src/rpc/observe/resumption.js";

function response(id: number, timeMs: number, uuid = String(id)): GetFlowsResponse {
  return create(GetFlowsResponseSchema, {
    nodeName: "n",
    time: timestampFromMs(timeMs),
    responseTypes: { case: "flow", value: { uuid, Summary: String(id) } },
  });
}

/** What a server with these flows sends for a request: `since`, and then `first` so many. */
function* serve(flows: readonly GetFlowsResponse[], { since, number, first }: GetFlowsRequest) {
  let left = first ? number : BigInt(flows.length);
  for (const flow of flows) {
    if (left === 0n) return;
    if (since !== undefined && flow.time !== undefined) {
      const before =
        flow.time.seconds === since.seconds
          ? flow.time.nanos < since.nanos
          : flow.time.seconds < since.seconds;
      if (before) continue;
    }
    left--;
    yield flow;
  }
}

function idOf({ responseTypes }: GetFlowsResponse): number {
  return responseTypes.case === "flow" ? Number(responseTypes.value.Summary) : -1;
}

const SECOND_NS = 1_000_000_000n;

describe("Resumption", () => {
  test.each([
    {
      behaviour: "new flows: not from before they were requested",
      request: { follow: true },
      requestedMs: 10_000,
      seenMs: [10_500],
      sinceMs: 10_000,
    },
    {
      behaviour: "new flows: from a little before the latest one",
      request: { follow: true },
      requestedMs: 10_000,
      seenMs: [10_500, 13_000],
      sinceMs: 11_000,
    },
    {
      behaviour: "new flows, of a server whose clock is behind: not from before the first of them",
      request: { follow: true },
      requestedMs: 60_000,
      seenMs: [10_500, 10_400],
      sinceMs: 10_400,
    },
    {
      behaviour: "the last flow and those after it: not from before it",
      request: { follow: true, number: 1n },
      requestedMs: 60_000,
      seenMs: [10_000, 10_700],
      sinceMs: 10_000,
    },
    {
      behaviour: "the last flows: not from before the first of them",
      request: { number: 5n },
      requestedMs: 60_000,
      seenMs: [10_000, 10_100],
      sinceMs: 10_000,
    },
    {
      behaviour: "flows since a time: not from before it",
      request: { follow: true, since: { seconds: 9n, nanos: 500_000_000 } },
      requestedMs: 60_000,
      seenMs: [10_000],
      sinceMs: 9500,
    },
    {
      behaviour: "the first flows: from a little before the latest one",
      request: { number: 5n, first: true },
      requestedMs: 60_000,
      seenMs: [10_000],
      sinceMs: 8000,
    },
    {
      behaviour: "all flows: from a little before the latest one",
      request: {},
      requestedMs: 60_000,
      seenMs: [10_000],
      sinceMs: 8000,
    },
    {
      behaviour: "flows shortly after 1970: no negative time",
      request: {},
      requestedMs: 0,
      seenMs: [1000],
      sinceMs: 0,
    },
  ])("resumes $behaviour", ({ request, requestedMs, seenMs, sinceMs }) => {
    const resumption = new Resumption(create(GetFlowsRequestSchema, request), requestedMs);
    for (const [id, timeMs] of seenMs.entries()) resumption.accept(response(id, timeMs));
    const { since } = resumption.resume();
    const sinceNs = since && since.seconds * SECOND_NS + BigInt(since.nanos);
    expect(sinceNs).toBe(BigInt(sinceMs) * 1_000_000n);
  });

  test.each([true, false])(
    "resumes without gaps and repetitions at any break of the stream (UUIDs: %s)",
    (withUuid) => {
      fc.assert(
        fc.property(
          // Times up to a second out of order, as from Relay.
          fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }),
          fc.array(fc.nat(20), { maxLength: 10 }),
          fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
          (skews, breaks, wanted) => {
            const flows = skews.map((skew, id) =>
              response(id, 1_000_000 + id * 300 - skew, withUuid ? String(id) : ""),
            );
            const request = create(
              GetFlowsRequestSchema,
              wanted === undefined ? { follow: true } : { number: BigInt(wanted), first: true },
            );
            const resumption = new Resumption(request, 0);
            const seen: number[] = [];
            let next = request;
            for (const length of [...breaks, flows.length + 1]) {
              let sent = 0;
              for (const flow of serve(flows, next)) {
                if (sent++ === length || resumption.isComplete) break;
                if (resumption.accept(flow)) seen.push(idOf(flow));
              }
              next = resumption.resume();
            }
            expect(seen).toEqual(flows.slice(0, wanted ?? flows.length).map(idOf));
          },
        ),
      );
    },
  );

  test("requests new flows from the time of the first request", () => {
    const request = create(GetFlowsRequestSchema, { follow: true });
    expect(new Resumption(request, 5000).resume()).toMatchObject({ follow: true, since: { seconds: 5n } });
  });

  test("repeats the request for the last flows if no flow has arrived, with filters and masks", () => {
    const request = create(GetFlowsRequestSchema, { number: 5n, whitelist: [{ uuid: ["x"] }] });
    const resumption = new Resumption(request, 0);
    expect(resumption.resume()).toEqual(request);
    resumption.accept(response(1, 10_000));
    expect(resumption.resume()).toMatchObject({
      number: 5n,
      first: true,
      since: { seconds: 10n },
      whitelist: [{ uuid: ["x"] }],
    });
  });

  test("does not request flows before the start of the first request", () => {
    const resumption = new Resumption(create(GetFlowsRequestSchema, { since: { seconds: 9n } }), 0);
    resumption.accept(response(1, 10_000));
    expect(resumption.resume()).toMatchObject({ since: { seconds: 9n } });
  });

  test("remembers at most MAX_REMEMBERED flows, and requests no earlier ones", () => {
    const resumption = new Resumption(create(GetFlowsRequestSchema, { follow: true }), 0);
    for (let id = 0; id < 2 * MAX_REMEMBERED; id++)
      resumption.accept(response(id, 1_000_000 + Math.floor(id / 100)));
    const { since } = resumption.resume();
    const sinceMs = Number(since?.seconds) * 1000 + (since?.nanos ?? 0) / 1e6;
    expect(sinceMs).toBeGreaterThanOrEqual(1_000_000 + MAX_REMEMBERED / 100 - 2);
  });
});

import { describe, expect, test } from "vitest";
import {
  REQUESTS_TRANSITIONS,
  RecordRequests,
  type RequestsEvent,
  type RequestsState,
} from "../../src/rpc/record-requests.js";
import { namesOf, nextNames } from "../async/transitions.js";

const STATES: readonly RequestsState[] = [
  { name: "recording" },
  { name: "stopping" },
  { name: "stopSent" },
  { name: "ended" },
];

const EVENTS: readonly RequestsEvent[] = [{ name: "stop" }, { name: "sendStop" }, { name: "end" }];

test("REQUESTS_TRANSITIONS: define every event in every state", () => {
  expect(namesOf(REQUESTS_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(REQUESTS_TRANSITIONS, STATES, EVENTS)).toEqual({
    recording: { stop: "stopping", sendStop: "impossible", end: "ended" },
    stopping: { stop: "-", sendStop: "stopSent", end: "ended" },
    stopSent: { stop: "-", sendStop: "impossible", end: "ended" },
    ended: { stop: "-", sendStop: "impossible", end: "-" },
  });
});

describe("RecordRequests", () => {
  async function casesOf(requests: RecordRequests): Promise<(string | undefined)[]> {
    const cases: (string | undefined)[] = [];
    for await (const { requestType } of requests) cases.push(requestType.case);
    return cases;
  }

  test("yields the start, and one stop for repeated requests", async () => {
    const requests = new RecordRequests({});
    const cases = casesOf(requests);
    requests.stop();
    await new Promise(setImmediate);
    requests.stop();
    await new Promise(setImmediate);
    requests.end();
    await expect(cases).resolves.toEqual(["start", "stop"]);
  });

  test("stays open until the end", async () => {
    const requests = new RecordRequests({});
    let hasEnded = false;
    const cases = casesOf(requests).finally(() => {
      hasEnded = true;
    });
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    requests.end();
    await expect(cases).resolves.toEqual(["start"]);
  });
});

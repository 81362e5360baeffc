import { expect, test } from "vitest";
import { RpcError } from "../../../src/recorder/index.js";
import {
  SESSION_TRANSITIONS,
  type SessionEvent,
  type SessionState,
} from "../../../src/rpc/client/session-state.js";
import { namesOf, nextNames } from "../../async/transitions.js";

const failure = new RpcError("UNAVAILABLE", "the connection was lost");

const STATES: readonly SessionState[] = [
  { name: "opening" },
  { name: "open" },
  { name: "draining" },
  { name: "ended", failure },
];

const EVENTS: readonly SessionEvent[] = [{ name: "settings" }, { name: "goaway" }, { name: "end", failure }];

test("SESSION_TRANSITIONS: define every event in every state", () => {
  expect(namesOf(SESSION_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(SESSION_TRANSITIONS, STATES, EVENTS)).toEqual({
    opening: { settings: "open", goaway: "-", end: "ended" },
    open: { settings: "impossible", goaway: "draining", end: "ended" },
    draining: { settings: "impossible", goaway: "-", end: "ended" },
    ended: { settings: "-", goaway: "-", end: "-" },
  });
});

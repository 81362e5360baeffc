import { describe, expect, test } from "vitest";
import { nextState, type TransitionTable } from "../../src/async/state-machine.js";

type Door = { readonly name: "open" } | { readonly name: "closed"; readonly closedBy: string };
type DoorEvent = { readonly name: "close"; readonly by: string } | { readonly name: "open" };

const DOOR: TransitionTable<Door, DoorEvent> = {
  open: { close: (_state, { by }) => ({ name: "closed", closedBy: by }), open: "ignored" },
  closed: { close: "impossible", open: () => ({ name: "open" }) },
};

describe("nextState", () => {
  test("calls a function with the data of the state and of the event", () => {
    expect(nextState(DOOR, { name: "open" }, { name: "close", by: "wind" })).toEqual({
      name: "closed",
      closedBy: "wind",
    });
  });

  test("keeps the state for an ignored event", () => {
    const state: Door = { name: "open" };
    expect(nextState(DOOR, state, { name: "open" })).toBe(state);
  });

  test("throws a TypeError that names state and event for an impossible event", () => {
    const state: Door = { name: "closed", closedBy: "wind" };
    expect(() => nextState(DOOR, state, { name: "close", by: "hand" })).toThrow(
      new TypeError("close is impossible when closed"),
    );
  });
});

import { nextState, type TransitionTable } from "../../src/async/state-machine.js";

interface Named {
  readonly name: string;
}

/**
 * The name of the next state for every event in every state, or `impossible`; `-` if the state does not change.
 *
 * @param states One state of each name, or several with different data.
 * @param events One event of each name.
 */
export function nextNames<State extends Named, Event extends Named>(
  table: TransitionTable<State, Event>,
  states: readonly State[],
  events: readonly Event[],
): Record<string, Record<string, string>> {
  const names: Record<string, Record<string, string>> = {};
  for (const state of states) {
    const row: Record<string, string> = {};
    for (const event of events) row[event.name] = nextName(table, state, event);
    names[state.name] = row;
  }
  return names;
}

function nextName<State extends Named, Event extends Named>(
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): string {
  try {
    const next = nextState(table, state, event);
    return next === state ? "-" : next.name;
  } catch (error) {
    if (error instanceof TypeError && error.message.includes("is impossible when")) return "impossible";
    throw error;
  }
}

/** Whether the states and events of a test are all that the table has. */
export function namesOf(table: object): { states: readonly string[]; events: readonly string[] } {
  const rows = Object.entries(table);
  return {
    states: rows.map(([name]) => name),
    events: Object.keys((rows[0]?.[1] as object | undefined) ?? {}),
  };
}

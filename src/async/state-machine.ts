/** States and events are objects with a name, and with the data that belongs to the state or to the event. */
interface Named {
  readonly name: string;
}

/** The state or event of this name. */
type NamedBy<T extends Named, N extends T["name"]> = Extract<T, { readonly name: N }>;

/**
 * What an event does in a state: `ignored` keeps the state, `impossible` says that the event cannot happen in it, and a
 * function returns the next state.
 */
export type Transition<State extends Named, S extends State, E> =
  | "ignored"
  | "impossible"
  | ((state: S, event: E) => State);

/** The transitions of every state for every event. A new state or event does not compile until it has its entries. */
export type TransitionTable<State extends Named, Event extends Named> = {
  readonly [S in State["name"]]: {
    readonly [E in Event["name"]]: Transition<State, NamedBy<State, S>, NamedBy<Event, E>>;
  };
};

/**
 * Returns the state after an event.
 *
 * @throws TypeError for an event that cannot happen in this state, which is a bug of the caller.
 */
export function nextState<State extends Named, Event extends Named>(
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): State {
  // Both casts are true because the names select the entry for exactly this state and this event.
  const transition = table[state.name as State["name"]][event.name as Event["name"]] as Transition<
    State,
    State,
    Event
  >;
  if (transition === "ignored") return state;
  if (transition === "impossible") throw new TypeError(`${event.name} is impossible when ${state.name}`);
  return transition(state, event);
}

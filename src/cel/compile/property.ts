import type { Message } from "@bufbuild/protobuf";
import type { Properties } from "../../message/properties.js";
import type { Run } from "./code.js";

/**
 * Reads a property of a message; returns `unset` if it is undefined or null.
 *
 * V8 stores type feedback (inline caches) for a property access by its location in the source. A location that accesses
 * many names becomes megamorphic: an access there took 25 to 400 ns, compared with 5 ns at a location of its own. A
 * function cannot be cloned without `eval`, so there is an array of identical functions: each name is permanently
 * assigned one, in order of compilation.
 */
export function readProperty(message: Run<Message>, name: string, unset?: unknown): Run<unknown> {
  let place = places.get(name);
  if (place === undefined) {
    place = PLACES[Math.min(places.size, PLACES.length - 1)]!;
    if (places.size < PLACES.length) places.set(name, place);
  }
  // As `propertiesOf`, without a call.
  return place(message as unknown as Run<Properties>, name, unset);
}

type Place = (message: Run<Properties>, name: string, unset: unknown) => Run<unknown>;

/** The function assigned to each name, up to the number of functions; all further names share the last one. */
const places = new Map<string, Place>();

// A flow with all its nested messages has 111 names; an expression reads only a few of them.
const PLACES: readonly Place[] = [
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
  (message, name, unset) => (frame) => message(frame)[name] ?? unset,
];

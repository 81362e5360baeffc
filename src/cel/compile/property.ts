import type { Message } from "@bufbuild/protobuf";
import type { Fields } from "../run/message.js";
import type { Run } from "./code.js";

/**
 * Reads a property of a message; `unset` where it is undefined or null.
 *
 * V8 keeps what it learns of a read, such as where in the object the property is, with the place in the source text. A place
 * that reads many names learns nothing: a read there took 25 to 400 ns, and 5 at a place of its own. No function can be
 * copied without `eval`, so here are places enough: each name gets one for good, in the order in which they are compiled.
 */
export function readProperty(message: Run<Message>, name: string, unset?: unknown): Run<unknown> {
  let place = places.get(name);
  if (place === undefined) {
    place = PLACES[Math.min(places.size, PLACES.length - 1)]!;
    if (places.size < PLACES.length) places.set(name, place);
  }
  return place(message as unknown as Run<Fields>, name, unset);
}

type Place = (message: Run<Fields>, name: string, unset: unknown) => Run<unknown>;

/** The places of the names met so far, at most as many as there are; names beyond share the last. */
const places = new Map<string, Place>();

// A flow and all that is in it have 111 names; no expression reads more than a few.
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

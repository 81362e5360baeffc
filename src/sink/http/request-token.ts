import { createHash } from "node:crypto";
import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import type { Item } from "./deliver.js";

/**
 * Identifies a request by its events, in 64 hexadecimal digits: the same events in the same order have the same. Events
 * without a UUID count with their content.
 */
export function tokenOf(items: readonly Item<unknown>[]): string {
  const hash = createHash("sha256");
  for (const { event } of items) hash.update(digestOf(event));
  return hash.digest("hex");
}

/** Of a fixed length, so that no sequence of events looks like another one. */
function digestOf({ uuid, bytes }: EncodedEvent): Uint8Array {
  const hash = createHash("sha256");
  return uuid === "" ? hash.update("event ").update(bytes).digest() : hash.update(`uuid ${uuid}`).digest();
}

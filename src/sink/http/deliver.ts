import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import type { RefusedEvent } from "../../observer/events/flow-sink.js";

/** An event in the form in which it is sent. */
export interface Item<T> {
  readonly event: EncodedEvent;
  readonly payload: T;
  /** Its size in a request body. */
  readonly bytes: number;
}

/** What a server did with the items of a request. */
export type Outcome =
  | {
      readonly kind: "stored";
      /** Some were refused, without saying which. */
      readonly refused?: { readonly count: number; readonly reason: string };
    }
  /** Not stored because of their content, maybe that of one of them. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Not stored because the request is too large. */
  | { readonly kind: "too_large"; readonly reason: string };

/** What was done with the items of a delivery. All that are not refused are stored. */
export interface Delivered {
  /** How many were stored. */
  stored: number;
  /** How many were in requests that the server refused for their content. */
  rejected: number;
  readonly refused: RefusedEvent[];
}

/** Bounds of a delivery. */
export interface DeliveryLimits {
  readonly maxBodyBytes: number;
  /** How often a refused request is divided to find the refused items. */
  readonly maxDivisions: number;
}

/**
 * Sends items in their order, in requests of limited size. A request that is refused is divided in halves until the refused
 * items are known; when `maxDivisions` are used up, all items of a refused request count as refused. A request that is too
 * large is divided as well.
 *
 * @param send Sends one request. If it rejects, so does the delivery.
 */
export async function deliver<T>(
  items: readonly Item<T>[],
  send: (items: readonly Item<T>[]) => Promise<Outcome>,
  { maxBodyBytes, maxDivisions }: DeliveryLimits,
): Promise<Delivered> {
  const delivered: Delivered = { stored: 0, rejected: 0, refused: [] };
  let divisionsLeft = maxDivisions;
  // A stack with the next request at its end.
  const requests = pack(items, maxBodyBytes, delivered.refused).reverse();
  for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
    const outcome = await send(request);
    if (outcome.kind === "stored") {
      const { count, reason } = outcome.refused ?? { count: 0, reason: "" };
      delivered.stored += request.length - count;
      if (count > 0) refuse(request, unknownOnes(count, request.length, reason), delivered.refused);
      continue;
    }
    const isDivided = request.length > 1 && (outcome.kind === "too_large" || divisionsLeft-- > 0);
    if (isDivided) {
      const middle = Math.ceil(request.length / 2);
      requests.push(request.slice(middle), request.slice(0, middle));
      continue;
    }
    if (outcome.kind === "refused") delivered.rejected += request.length;
    refuse(request, outcome.reason, delivered.refused);
  }
  return delivered;
}

/** Divides items into requests. Those that are too large for one are refused. */
function pack<T>(items: readonly Item<T>[], maxBytes: number, refused: RefusedEvent[]): Item<T>[][] {
  const requests: Item<T>[][] = [];
  let request: Item<T>[] = [];
  let bytes = 0;
  for (const item of items) {
    if (item.bytes > maxBytes) {
      refuse([item], `its ${item.bytes} bytes are more than maxBodyBytes (${maxBytes})`, refused);
      continue;
    }
    if (bytes + item.bytes > maxBytes) {
      requests.push(request);
      request = [];
      bytes = 0;
    }
    request.push(item);
    bytes += item.bytes;
  }
  if (request.length > 0) requests.push(request);
  return requests;
}

function unknownOnes(count: number, total: number, reason: string): string {
  return count === total
    ? reason
    : `the server refused ${count} of ${total} events without saying which: ${reason}`;
}

function refuse<T>(items: readonly Item<T>[], reason: string, refused: RefusedEvent[]): void {
  for (const { event } of items) refused.push({ event, reason });
}

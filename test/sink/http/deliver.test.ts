import fc from "fast-check";
import { expect, test } from "vitest";
import { deliver, type Item, type Outcome } from "../../../src/sink/http/deliver.js";
import { eventOf } from "./http-server.js";

interface Sample {
  readonly bytes: number;
  /** Whether a server refuses a request that has it. */
  readonly isBad: boolean;
  /** Whether a server finds each request that has it too large. */
  readonly isHuge: boolean;
}

const samples = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 12 }),
    isBad: fc.boolean(),
    isHuge: fc.boolean(),
  }),
  { maxLength: 40 },
);

function itemsOf(values: readonly Sample[]): Item<Sample>[] {
  return values.map((payload, index) => ({ event: eventOf(String(index)), payload, bytes: payload.bytes }));
}

const uuidsOf = (items: readonly Item<Sample>[]) => items.map(({ event }) => event.uuid);

/** A server that finds more than `most` items too large. */
function serverOf(most: number) {
  const stored: string[] = [];
  const requests: (readonly Item<Sample>[])[] = [];
  const send = async (items: readonly Item<Sample>[]): Promise<Outcome> => {
    requests.push(items);
    if (items.length > most || items.some(({ payload }) => payload.isHuge)) {
      return { kind: "too_large", reason: "too large" };
    }
    if (items.some(({ payload }) => payload.isBad)) return { kind: "refused", reason: "bad" };
    stored.push(...uuidsOf(items));
    return { kind: "stored" };
  };
  return { stored, requests, send };
}

test("deliver: stores exactly the good items, once and in order, and refuses the others", async () => {
  await fc.assert(
    fc.asyncProperty(samples, fc.integer({ min: 1, max: 10 }), async (values, most) => {
      const items = itemsOf(values);
      const { stored, requests, send } = serverOf(most);
      const maxBodyBytes = 10;
      const delivered = await deliver(items, send, { maxBodyBytes, maxDivisions: 1000 });
      const isGood = ({ payload }: Item<Sample>) =>
        !payload.isBad && !payload.isHuge && payload.bytes <= maxBodyBytes;
      expect(stored).toEqual(uuidsOf(items.filter(isGood)));
      expect(delivered.stored).toBe(stored.length);
      const refused = delivered.refused.map(({ event }) => event.uuid);
      const others = items.filter((item) => !isGood(item));
      expect([...refused].sort()).toEqual(uuidsOf(others).sort());
      for (const request of requests) {
        expect(request.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(maxBodyBytes);
      }
    }),
  );
});

test("deliver: divides refused requests at most maxDivisions times, and accounts for every item", async () => {
  await fc.assert(
    fc.asyncProperty(samples, fc.nat({ max: 8 }), async (values, maxDivisions) => {
      const items = itemsOf(values.map((value) => ({ ...value, isHuge: false })));
      const { stored, requests, send } = serverOf(Number.POSITIVE_INFINITY);
      const delivered = await deliver(items, send, { maxBodyBytes: 100, maxDivisions });
      const whole = requests.length - 2 * maxDivisions;
      expect(whole).toBeLessThanOrEqual(Math.ceil(items.length / 8) + 1);
      expect(delivered.stored + delivered.refused.length).toBe(items.length);
      expect(delivered.rejected).toBe(delivered.refused.length);
      for (const uuid of stored) expect(items[Number(uuid)]?.payload.isBad).toBe(false);
    }),
  );
});

test("deliver: rejects as send does, and sends nothing more", async () => {
  const items = itemsOf([1, 1, 1].map((bytes) => ({ bytes, isBad: false, isHuge: false })));
  let calls = 0;
  const failure = new Error("away");
  const delivery = deliver(
    items,
    async () => {
      if (++calls === 2) throw failure;
      return { kind: "stored" };
    },
    { maxBodyBytes: 1, maxDivisions: 0 },
  );
  await expect(delivery).rejects.toBe(failure);
  expect(calls).toBe(2);
});

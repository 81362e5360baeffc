// observe with reconnect against an Observer that breaks again and again, in any way.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENDS, earliestBreak, NEW_FLOWS, OLD_FLOWS, observeScript, REQUESTS, RETRYABLE } from "./resume.js";
import "./resume.test.js";

describe("observe: reconnect", () => {
  test("yields each flow once after breaks of every kind and number", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...REQUESTS),
        fc.array(fc.record({ after: fc.nat(12), how: fc.constantFrom(...RETRYABLE) }), {
          maxLength: 6,
        }),
        async ({ request, wanted }, planned) => {
          // A call that requests only existing flows ends by itself, before it can break.
          const earliest = earliestBreak(request);
          const breaks = request.follow
            ? planned.map(({ after, how }) => ({ after: Math.max(after, earliest), how }))
            : planned.filter(({ after }) => after < wanted.length).slice(0, 1);
          const script = { before: OLD_FLOWS, later: request.follow ? NEW_FLOWS : [], breaks };
          const { names, error } = await observeScript(script, request);
          expect({ names, error }).toEqual({ names: wanted.map(({ name }) => name), error: undefined });
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(REQUESTS.filter(({ request }) => request.follow))(
    "continues after breaks of every kind in turn: $name",
    async ({ request, wanted }) => {
      // One flow a call, so that every call has something to break.
      const ways = [...RETRYABLE, ...ENDS];
      const later = ways.map((_, index) => ({
        name: `later${index}`,
        timeMs: NEW_FLOWS[0]!.timeMs + 100 * index,
      }));
      const old = wanted.filter(({ name }) => name.startsWith("old"));
      const breaks = ways.map((how) => ({ after: 1, how }));
      const names = [...old, ...later].map(({ name }) => name);
      const outcome = await observeScript({ before: OLD_FLOWS, later, breaks }, request);
      expect(outcome.error).toBe(undefined);
      expect(outcome.names).toEqual(names);
    },
  );

  test("continues after a server that stops responding", async () => {
    const how = { name: "silence", next: "silence", stopsReading: true } as const;
    const script = { before: OLD_FLOWS, later: NEW_FLOWS, breaks: [{ after: 4, how }] };
    const outcome = await observeScript(
      script,
      { follow: true },
      {
        pingIntervalMs: 200,
        pingTimeoutMs: 2000,
      },
    );
    expect(outcome).toEqual({ names: NEW_FLOWS.map(({ name }) => name), calls: 2 });
  });
});

// observe with reconnect against an Observer that breaks: no gaps, no repetitions, no flows from before the start.
import { describe, expect, test } from "vitest";
import { RPC_STATUS_NUMBERS } from "../../../src/rpc/index.js";
import { amount, everyNth, nth } from "../../support/amount.js";
import { trailers } from "./frames.js";
import { ENDS, earliestBreak, NEW_FLOWS, OLD_FLOWS, observeScript, REQUESTS, RETRYABLE } from "./resume.js";
import { watchUncaught } from "./uncaught.js";

const FOLLOW = REQUESTS.filter(({ request }) => request.follow);
/** The quick tests break calls after every so many flows, and in one of so many ways. */
const STEP = amount({ quick: 3, long: 1 });
const FIN = RETRYABLE.find(({ name }) => name === "FIN")!;

const namesOf = (flows: readonly { readonly name: string }[]) => flows.map(({ name }) => name);

describe("observe: reconnect", () => {
  test.each(everyNth(STEP, [...RETRYABLE, ...ENDS]))(`continues after $name${nth(STEP)}`, async (how) => {
    using uncaught = watchUncaught();
    const breaks = [0, 1, 3].map((after) => ({ after, how }));
    const script = { before: OLD_FLOWS, later: NEW_FLOWS, breaks };
    expect(await observeScript(script, { follow: true })).toEqual({
      names: namesOf(NEW_FLOWS),
      calls: breaks.length + 1,
    });
    expect(await uncaught.errors()).toEqual([]);
  });

  test.each(REQUESTS)(
    "yields each flow once at any break of the call: $name",
    async ({ request, wanted }) => {
      const isFollow = FOLLOW.some((one) => one.request === request);
      for (let after = earliestBreak(request); after < wanted.length; after += STEP) {
        const breaks = [after, 1, 2].map((count) => ({ after: count, how: FIN }));
        const script = {
          before: OLD_FLOWS,
          later: isFollow ? NEW_FLOWS : [],
          breaks: isFollow ? breaks : breaks.slice(0, 1),
        };
        const { names, error } = await observeScript(script, request);
        expect({ after, names, error }).toEqual({ after, names: namesOf(wanted), error: undefined });
      }
    },
  );

  test.each(
    everyNth(
      STEP,
      Object.entries(RPC_STATUS_NUMBERS).filter(([status]) => status !== "UNAVAILABLE"),
    ),
  )("ends with the status %s after the flows before it", async (status, number) => {
    const how = {
      name: status,
      send: (id: number) => trailers(id, String(number), "no"),
      next: "silence",
    } as const;
    const script = { before: [], later: NEW_FLOWS, breaks: [{ after: 3, how }] };
    expect(await observeScript(script, { follow: true })).toEqual({
      names: namesOf(NEW_FLOWS.slice(0, 3)),
      calls: 1,
      error: expect.objectContaining({ code: "rpc_failed", status, message: "no" }),
    });
  });
});

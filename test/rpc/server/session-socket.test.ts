import { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { GoawayScanner, SessionSocket } from "../../../src/rpc/server/session-socket.js";
import { data, goaway, PREFACE, ping, settings } from "../hostile/frames.js";

/** What a client sends: frames, optionally with a GOAWAY at the end. */
const FRAMES = fc.array(
  fc.oneof(
    fc.constant(settings()),
    fc.constant(ping("12345678")),
    fc.uint8Array({ maxLength: 40 }).map((payload) => data(1, payload)),
  ),
  { maxLength: 8 },
);

test.each(["client", "server"] as const)("SessionSocket: sends small frames of a %s at once", (role) => {
  const socket = new Socket();
  const setNoDelay = vi.spyOn(socket, "setNoDelay");
  new SessionSocket(socket, role, () => {}).destroy();
  expect(setNoDelay).toHaveBeenCalledWith();
});

describe("GoawayScanner", () => {
  test("finds the code of a GOAWAY in chunks of any size", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        FRAMES,
        fc.nat(13),
        fc.string({ maxLength: 20 }),
        FRAMES,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (isClient, before, code, text, after, cuts) => {
          const frames = [...before, goaway(1, code, text), ...after];
          const bytes = Buffer.concat(isClient ? [PREFACE, ...frames] : frames);
          const scanner = new GoawayScanner(isClient ? "client" : "server");
          const found: number[] = [];
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const end = at + cuts[cut % cuts.length]!;
            const seen = scanner.scan(bytes.subarray(at, end));
            if (seen !== undefined) found.push(seen);
            at = end;
          }
          expect(found).toEqual([code]);
        },
      ),
    );
  });

  test("finds no code in other frames", () => {
    fc.assert(
      fc.property(FRAMES, (frames) => {
        const inside = data(1, goaway(1, 2));
        expect(new GoawayScanner("client").scan(Buffer.concat([PREFACE, ...frames, inside]))).toBeUndefined();
      }),
    );
  });
});

// Each client against a dozen servers that are not gRPC servers, or break in the middle of a call; peers.long.test.ts has all of them.
import { describe, expect, test } from "vitest";
import { BAD_FRAMING } from "./bad-framing.js";
import { BAD_RESPONSES } from "./bad-responses.js";
import { DEATHS, GRACEFUL, goawaysAt, resetsAt } from "./breaks.js";
import { abortFaultsOf, faultsOf, TARGETS } from "./clients.js";
import { SILENT, STRANGERS } from "./strangers.js";
import { watchUncaught } from "./uncaught.js";

const NAMES = new Set([
  "HTTP/1.1 400, closed",
  "an SSH banner",
  "random bytes, seed 1",
  "closed at once",
  "reset at once",
  "HEADERS on stream 0",
  "half a frame, then FIN (message)",
  "64 bytes of 0xff (settings)",
  "64 bytes of 0xff (message)",
  "64 bytes of 0xff, then FIN (message)",
  "HTTP 502 with a page",
  "a message that is not protobuf",
  "a message with a length of 4 GiB",
  "RST_STREAM REFUSED_STREAM (message)",
  "RST_STREAM INTERNAL_ERROR (message)",
  "GOAWAY NO_ERROR, then FIN (message)",
  "GOAWAY ENHANCE_YOUR_CALM, then FIN (message)",
  "GOAWAY INTERNAL_ERROR, refusing the call (request)",
  "GOAWAY NO_ERROR, then the rest of the call (message)",
  "the connection ends with RST (inside)",
]);

const SOME = [
  ...STRANGERS,
  ...BAD_FRAMING,
  ...BAD_RESPONSES,
  ...resetsAt("message"),
  ...goawaysAt("request"),
  ...goawaysAt("message"),
  ...GRACEFUL,
  ...DEATHS,
].filter(({ name }) => NAMES.has(name));

test("NAMES: are names of kinds", () => {
  expect(SOME.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
});

describe.each(TARGETS)("openTransport: a call of %s", (target) => {
  test.each(SOME)("fails or completes as gRPC specifies, without an uncaught error: $name", async (kind) => {
    using uncaught = watchUncaught();
    const faults = await faultsOf(kind, target);
    expect({ faults, uncaught: await uncaught.errors() }).toEqual({ faults: [], uncaught: [] });
  });

  test.each(SILENT)("ends when it is aborted: $name", async (kind) => {
    using uncaught = watchUncaught();
    const faults = await abortFaultsOf(kind, target);
    expect({ faults, uncaught: await uncaught.errors() }).toEqual({ faults: [], uncaught: [] });
  });
});

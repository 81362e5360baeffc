// The three commands as processes, against servers that are not gRPC servers, or break in the middle of a call.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { temporaryFolder } from "../../sink/folder.js";
import { describeWithPrograms } from "../../support/shared.js";
import { type Certificate, certificateAuthority } from "../certificates.js";
import { BAD_FRAMING } from "./bad-framing.js";
import { BAD_RESPONSES } from "./bad-responses.js";
import { DEATHS, GRACEFUL, goawaysAt, resetsAt } from "./breaks.js";
import { TARGETS } from "./clients.js";
import { commandFaultsOf, runCommand } from "./commands.js";
import { kindsFor, openPeer, type PeerKind, PHASES, type Target } from "./peer.js";
import { SILENT, STRANGERS, TLS_STRANGERS } from "./strangers.js";

/** Processes at the same time. */
const AT_ONCE = 3;

/** Faults of all kinds, each tried with a process of its own. */
async function allFaults(
  kinds: readonly PeerKind[],
  target: Target,
  certificate?: Certificate,
): Promise<readonly string[]> {
  const waiting = [...kindsFor(target, kinds)];
  const faults: string[] = [];
  const work = async () => {
    for (let kind = waiting.shift(); kind !== undefined; kind = waiting.shift()) {
      faults.push(...(await commandFaultsOf(kind, target, certificate)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return faults;
}

// Starting a process is slow, so that these are a selection; peers.long.test.ts has all of them.
const isEarlyOrMiddle = ({ at }: PeerKind) => at !== "headers" && at !== "inside" && at !== "last";
const isOneOfMany = ({ name }: PeerKind) =>
  name.includes("status") && !/UNAVAILABLE|CANCELLED|NOT_FOUND/.test(name);

const GROUPS: readonly { readonly name: string; readonly kinds: readonly PeerKind[] }[] = [
  { name: "servers of other protocols", kinds: STRANGERS },
  { name: "bytes that break HTTP/2", kinds: BAD_FRAMING.filter(isEarlyOrMiddle) },
  { name: "responses that are not gRPC", kinds: BAD_RESPONSES.filter((kind) => !isOneOfMany(kind)) },
  {
    name: "RST_STREAM of every code",
    kinds: resetsAt("message").filter(({ inOneWrite }) => inOneWrite !== true),
  },
  { name: "GOAWAY of every code", kinds: goawaysAt("message").filter(({ next }) => next === "end") },
  { name: "a connection that ends in the middle of a call", kinds: DEATHS },
  { name: "a server that announces its end", kinds: GRACEFUL },
];

/** Whether a recorder has confirmed that it records before it falls silent. */
function hasStarted({ at }: PeerKind): boolean {
  return at === "message" || at === "inside" || at === "last";
}

describe.each(TARGETS)("flowscribe: a command that calls %s", (target) => {
  test.each(GROUPS)("exits with one line on stderr: $name", async ({ kinds }) => {
    expect(await allFaults(kinds, target)).toEqual([]);
  });

  test("waits at most --timeout for a first response", async () => {
    const [kind] = SILENT;
    await using peer = await openPeer(kind!, target);
    const { code, errors } = await runCommand(target, peer, kind!, { flags: ["--timeout", "500ms"] });
    expect({ code, errors }).toEqual({
      code: EXIT.failed,
      errors: [expect.stringMatching(/^\S+: rpc error: code = (DeadlineExceeded|Unavailable) desc = .+$/)],
    });
  });

  test.each(SILENT)("exits on SIGINT: $name", async (kind) => {
    await using peer = await openPeer(kind, target);
    const flags = ["--timeout", "1h"];
    const { code, errors } = await runCommand(target, peer, kind, { flags, interruptAfter: peer.broken });
    if (target === "record" && hasStarted(kind)) {
      // Whether the file is complete is unknown.
      expect({ code, errors }).toEqual({
        code: EXIT.failed,
        errors: [expect.stringContaining("the server did not confirm the stop within 10 s")],
      });
      return;
    }
    // What follows ends gracefully.
    expect([EXIT.interrupted, EXIT.ok]).toContain(code);
    expect(errors).toEqual([]);
  });
});

test("flowscribe observe: prints the flows before the failure", async () => {
  for (const [kind, pods] of [
    [DEATHS.find(({ at, inOneWrite }) => at === "inside" && inOneWrite === false)!, ["a", "b"]],
    [goawaysAt("last")[0]!, ["a", "b", "c"]],
  ] as const) {
    await using peer = await openPeer(kind, "flows");
    for (const output of ["compact", "jsonpb"]) {
      const { out } = await runCommand("flows", peer, kind, { flags: ["--output", output] });
      const found = ["a", "b", "c"].filter(
        (pod) => out.includes(`shop/${pod}`) || out.includes(`"pod_name":"${pod}"`),
      );
      expect({ kind: kind.name, output, found }).toEqual({ kind: kind.name, output, found: pods });
    }
  }
});

describeWithPrograms("flowscribe: TLS", ["openssl"], () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let certificate: Certificate;
  beforeAll(async () => {
    folder = await temporaryFolder();
    certificate = certificateAuthority(folder.path).sign("server", "/CN=peer", "DNS:localhost");
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  test.each(TARGETS)("a command that calls %s exits with one line on stderr", async (target) => {
    expect(await allFaults(TLS_STRANGERS, target, certificate)).toEqual([]);
  });
});

test("SILENT: has every phase before the end", () => {
  expect(SILENT.map(({ at }) => at)).toEqual(PHASES.filter((phase) => phase !== "trailers"));
});

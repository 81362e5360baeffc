// Each client against every kind of server that is not a gRPC server, or breaks in the middle of a call, in every phase.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../../sink/folder.js";
import { describeWithPrograms } from "../../support/shared.js";
import { type Certificate, certificateAuthority } from "../certificates.js";
import { BAD_FRAMING } from "./bad-framing.js";
import { BAD_RESPONSES } from "./bad-responses.js";
import { DEATHS, GRACEFUL, goawaysAt, resetsAt } from "./breaks.js";
import { abortFaultsOf, faultsOf, silenceFaultsOf, TARGETS } from "./clients.js";
import { CALL_PHASES, kindsFor, type PeerKind, PHASES, type Target } from "./peer.js";
import { SILENT, STRANGERS, TLS_STRANGERS } from "./strangers.js";
import { watchUncaught } from "./uncaught.js";

/** Kinds tried at the same time. */
const AT_ONCE = 15;

type Check = (kind: PeerKind, target: Target, certificate?: Certificate) => Promise<string[]>;

/** Faults of many kinds, and uncaught errors. */
async function allFaults(
  check: Check,
  kinds: readonly PeerKind[],
  target: Target,
  certificate?: Certificate,
): Promise<readonly string[]> {
  using uncaught = watchUncaught();
  const faults: string[] = [];
  for (let at = 0; at < kinds.length; at += AT_ONCE) {
    const some = kinds.slice(at, at + AT_ONCE);
    faults.push(...(await Promise.all(some.map((kind) => check(kind, target, certificate)))).flat());
    const errors = await uncaught.errors();
    if (errors.length > 0) return [...faults, ...errors.map((error) => `uncaught: ${error}`)];
  }
  return faults;
}

describe.each(TARGETS)("openTransport: a call of %s", (target) => {
  test.each(kindsFor(target, [...STRANGERS, ...BAD_FRAMING, ...BAD_RESPONSES]))(
    "fails or completes as gRPC specifies, and can be aborted: $name",
    async (kind) => {
      expect(await allFaults(faultsOf, [kind], target)).toEqual([]);
      expect(await allFaults(abortFaultsOf, [kind], target)).toEqual([]);
    },
  );

  test.each([...CALL_PHASES, "trailers"] as const)(
    "has the status of RST_STREAM for every code, and can be aborted (%s)",
    async (phase) => {
      expect(await allFaults(faultsOf, resetsAt(phase), target)).toEqual([]);
      expect(await allFaults(abortFaultsOf, resetsAt(phase), target)).toEqual([]);
    },
  );

  test.each(PHASES)("is UNAVAILABLE after GOAWAY of every code, and can be aborted (%s)", async (phase) => {
    expect(await allFaults(faultsOf, goawaysAt(phase), target)).toEqual([]);
    expect(await allFaults(abortFaultsOf, goawaysAt(phase), target)).toEqual([]);
  });

  test("completes after a graceful GOAWAY", async () => {
    expect(await allFaults(faultsOf, GRACEFUL, target)).toEqual([]);
  });

  test("is UNAVAILABLE when the connection ends during the call, and can be aborted", async () => {
    expect(await allFaults(faultsOf, DEATHS, target)).toEqual([]);
    expect(await allFaults(abortFaultsOf, DEATHS, target)).toEqual([]);
  });

  test("is UNAVAILABLE when the server stops responding, in every phase", async () => {
    expect(await allFaults(silenceFaultsOf, SILENT, target)).toEqual([]);
  });

  test("ends when it is aborted while the server does not respond, in every phase", async () => {
    expect(await allFaults(abortFaultsOf, SILENT, target)).toEqual([]);
  });
});

describeWithPrograms("openTransport: TLS", ["openssl"], () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let certificate: Certificate;
  beforeAll(async () => {
    folder = await temporaryFolder();
    certificate = certificateAuthority(folder.path).sign("server", "/CN=peer", "DNS:localhost");
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  describe.each(TARGETS)("a call of %s", (target) => {
    test.each(TLS_STRANGERS)("is UNAVAILABLE, and can be aborted: $name", async (kind) => {
      expect(await allFaults(faultsOf, [kind], target, certificate)).toEqual([]);
      expect(await allFaults(abortFaultsOf, [kind], target, certificate)).toEqual([]);
    });
  });
});

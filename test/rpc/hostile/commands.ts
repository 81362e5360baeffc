import { spawn } from "node:child_process";
import { join } from "node:path";
import { repository } from "../../support/run.js";
import type { Certificate } from "../certificates.js";
import { expectedOf, openPeer, type Peer, type PeerKind, type Target } from "./peer.js";

const MAIN = join(repository, "dist/cli/main.js");

/** The commands that make the calls. */
const COMMANDS: { readonly [K in Target]: readonly string[] } = {
  flows: ["observe"],
  status: ["status"],
  record: ["record", "10.0.0.0/8 0 0.0.0.0/0 53 UDP"],
};

/** Lines on standard error that are not about a failure. */
const PROGRESS = /^(Started recording\. Press CTRL\+C to stop\.|Stopping recording\.\.\.)$/;

/** Many times the start time of a process, also on a busy machine. */
const DEADLINE_MS = 60_000;

export interface CommandOutcome {
  /** Undefined when it had to be killed. */
  readonly code: number | undefined;
  readonly out: string;
  /** The lines of standard error, without those that report progress. */
  readonly errors: readonly string[];
}

export interface CommandOptions {
  readonly flags?: readonly string[];
  /** When to send SIGINT. */
  readonly interruptAfter?: Promise<void>;
}

/** Runs a command of the built program against a peer. */
export async function runCommand(
  target: Target,
  peer: Peer,
  { dialed }: PeerKind,
  { flags = [], interruptAfter }: CommandOptions = {},
): Promise<CommandOutcome> {
  const [name = "", ...args] = COMMANDS[target];
  const tls = dialed === "tls" ? ["--tls-allow-insecure"] : [];
  const child = spawn(process.execPath, [MAIN, name, "--server", peer.address, ...tls, ...flags, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk) => (err += chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  void interruptAfter?.then(() => child.kill("SIGINT"));
  const code = await new Promise<number | undefined>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve(exitCode ?? undefined));
  });
  clearTimeout(timer);
  const errors = err.split("\n").filter((line) => line !== "" && !PROGRESS.test(line));
  return { code, out, errors };
}

/** Runs a command against a peer of a kind. @returns What is wrong with how it ended, each fault with the name of the kind. */
export async function commandFaultsOf(
  kind: PeerKind,
  target: Target,
  certificate?: Certificate,
): Promise<string[]> {
  await using peer = await openPeer(kind, target, certificate);
  const outcome = await runCommand(target, peer, kind);
  const problem = problemOf(kind, target, peer, outcome);
  return problem === undefined ? [] : [`${kind.name}: ${problem}: ${JSON.stringify(outcome)}`];
}

function problemOf(
  kind: PeerKind,
  target: Target,
  { address }: Peer,
  { code, errors }: CommandOutcome,
): string | undefined {
  const expected = expectedOf(kind, target);
  if (code === undefined) return "did not end";
  if (expected === "completes") return code === 0 && errors.length === 0 ? undefined : "failed";
  const [line = ""] = errors;
  // A server that is healthy and does not know the call has no flows, which is not a failure.
  const hasNoFlows = code === 0 && line.endsWith("is a server without flows");
  if (target === "status" && expected.includes("UNIMPLEMENTED") && hasNoFlows) return undefined;
  if (code !== 1) return "did not end with 1";
  if (errors.length !== 1) return "said more, or less, than one line";
  const [, status = "", text = ""] = /^\S+: rpc error: code = (\w+) desc = (.*)$/.exec(line) ?? [];
  if (!line.startsWith(`${address}: `) || status === "") return "did not name the server and a status";
  if (!expected.map(goName).includes(status)) return `reported ${status} instead of ${expected}`;
  if (/ERR_|NGHTTP2|nghttp2| at .*:\d+:\d+/.test(text)) return "did not use plain words";
  return undefined;
}

/** As `google.golang.org/grpc/codes` spells a status. */
function goName(status: string): string {
  if (status === "CANCELLED") return "Canceled";
  return status.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

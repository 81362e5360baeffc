import { EXIT, type ExitCode } from "../../src/cli/exit-code.js";
import { Interruption } from "../../src/cli/io/interruption.js";
import type { Io, OutputStream } from "../../src/cli/io/io.js";
import { runCli } from "../../src/cli/run.js";
import { type FakeClock, fakeClock } from "../support/fake-clock.js";

/** Standard input, environment and terminals of the fake. */
export interface FakeWorld {
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly stdinTerminal?: boolean;
  readonly stdoutTerminal?: boolean;
  readonly stderrTerminal?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: FakeClock;
  readonly stdout?: Partial<OutputStream>;
}

/** An io that collects output as strings. */
export interface FakeIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
  readonly clock: FakeClock;
  /** The string of each write to standard output. */
  readonly writes: readonly string[];
  /** The bytes written to standard output. */
  readonly bytes: () => Uint8Array;
  interrupt(signal?: "SIGINT" | "SIGTERM" | "SIGHUP"): void;
  /** Sends SIGHUP to a command that has taken it over; returns whether one has. */
  hangUp(): boolean;
}

export function fakeIo(world: FakeWorld = {}): FakeIo {
  const { stdin = "", stdinTerminal = false, env = {}, clock = fakeClock(), columns } = world;
  const writes: string[] = [];
  const chunks: Uint8Array[] = [];
  let err = "";
  const controller = new AbortController();
  let onHangUp: (() => void) | undefined;
  return {
    out: () => writes.join(""),
    err: () => err,
    writes,
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
    interrupt: (signal = "SIGINT") => controller.abort(new Interruption(signal)),
    onHangUp: (listener) => {
      onHangUp = listener;
      return () => {
        onHangUp = undefined;
      };
    },
    hangUp: () => {
      onHangUp?.();
      return onHangUp !== undefined;
    },
    stdin: { isTerminal: stdinTerminal, chunks: () => chunksOf(stdin) },
    stdout: {
      isTerminal: world.stdoutTerminal ?? false,
      columns,
      write: (chunk) => {
        if (typeof chunk === "string") writes.push(chunk);
        else chunks.push(chunk);
        return undefined;
      },
      flush: async () => {},
      ...world.stdout,
    },
    stderr: {
      isTerminal: world.stderrTerminal ?? false,
      columns,
      write: (text) => {
        err += text;
        return undefined;
      },
      flush: async () => {},
    },
    env,
    clock,
    signal: controller.signal,
  };
}

async function* chunksOf(
  input: string | Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof input === "string") yield new TextEncoder().encode(input);
  else if (input instanceof Uint8Array) yield input;
  else yield* input;
}

export interface Outcome {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line until it ends. */
export async function runFake(args: readonly string[], world: FakeWorld = {}): Promise<Outcome> {
  const io = fakeIo(world);
  const code = await runCli(args, io);
  return { code, out: io.out(), err: io.err() };
}

/** The standard output of a command line that must succeed. */
export async function outputOf(args: readonly string[], world: FakeWorld = {}): Promise<string> {
  const { code, out, err } = await runFake(args, world);
  if (code !== EXIT.ok) throw new Error(`exit code ${code}: ${err}`);
  return out;
}

/** An export line with a flow from a pod. */
export function flowLine(
  pod: string,
  more: { readonly verdict?: string; readonly second?: number } = {},
): string {
  const { verdict = "FORWARDED", second = 0 } = more;
  return `${JSON.stringify({
    flow: {
      time: `2026-11-22T10:00:${String(second).padStart(2, "0")}Z`,
      verdict,
      IP: { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: "IPv4" },
      l4: { TCP: { source_port: 40_000, destination_port: 80 } },
      source: { identity: 1007, namespace: "shop", pod_name: pod },
      node_name: "one/worker-1",
    },
    node_name: "one/worker-1",
    time: `2026-11-22T10:00:${String(second).padStart(2, "0")}Z`,
  })}\n`;
}

/** The source pod of each line of compact output. */
export function podsOf(output: string): string[] {
  return [...output.matchAll(/^.*?: shop\/([^:]+):/gm)].map(([, pod = ""]) => pod);
}

/** A clock that advances by half a second each time it is read. */
export function slowClock(): FakeClock {
  const clock = fakeClock();
  return {
    ...clock,
    now: () => {
      clock.advance(500);
      return clock.now();
    },
  };
}

/** A turn of the event loop. */
export function oneTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

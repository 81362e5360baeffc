import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { orAbort, sleep } from "../../async/abort.js";
import { codeOf, messageOf } from "../../errors/message.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";

/** The port of Relay to forward, and how kubectl finds its cluster. */
export interface PortForwardOptions {
  /** The port on 127.0.0.1; 0 lets the system choose one. */
  readonly localPort: number;
  /** The port of the service `hubble-relay`. */
  readonly servicePort: number;
  readonly namespace: string;
  /** Undefined for the current context of the kubeconfig. */
  readonly context: string | undefined;
  /** Undefined for the file that kubectl uses by default. */
  readonly kubeconfig: string | undefined;
}

/** A forwarded port. Disposing of it ends kubectl. */
export interface PortForward extends AsyncDisposable {
  /** The address of Relay, `127.0.0.1:PORT`. */
  readonly address: string;
}

/** What {@link openPortForward} uses of the command. */
export interface PortForwardContext extends Pick<Io, "env" | "clock" | "signal"> {
  /** How long to wait for kubectl to forward the port. */
  readonly timeoutMs: number;
  readonly messages: Pick<Messages, "report">;
}

/** Delays before kubectl is restarted: doubled each time, until it has run for longer than the maximum. */
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;

/**
 * Runs `kubectl port-forward` for the service `hubble-relay` until the result is disposed of. If kubectl ends earlier, as
 * it does when the pod of Relay is replaced, it is reported and kubectl is restarted with the same port.
 *
 * @throws Error if kubectl is missing, fails, or forwards no port in time; the signal's reason. kubectl has ended then.
 */
export async function openPortForward(
  options: PortForwardOptions,
  context: PortForwardContext,
): Promise<PortForward> {
  const { kubectl, port } = await startKubectl(options, context);
  const closing = new AbortController();
  const kept = keepRunning(kubectl, { ...options, localPort: port }, { ...context, signal: closing.signal });
  return {
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await kept;
    },
  };
}

/** Restarts kubectl until the signal is aborted, then ends it. */
async function keepRunning(
  kubectl: Kubectl,
  options: PortForwardOptions,
  context: PortForwardContext,
): Promise<void> {
  const { clock, signal, messages } = context;
  let current: Kubectl | undefined = kubectl;
  let startedMs = clock.now();
  let delayMs = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      if (current !== undefined) messages.report(failureText(await orAbort(current.ended, signal)));
      current = undefined;
      if (clock.now() - startedMs > MAX_DELAY_MS) delayMs = FIRST_DELAY_MS;
      await sleep(delayMs, clock, signal);
      if (signal.aborted) return;
      delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
      startedMs = clock.now();
      ({ kubectl: current } = await startKubectl(options, context));
    } catch (error) {
      if (signal.aborted) break;
      messages.report(messageOf(error));
    }
  }
  await current?.stop();
}

interface StartedKubectl {
  readonly kubectl: Kubectl;
  readonly port: number;
}

async function startKubectl(
  options: PortForwardOptions,
  { env, clock, signal, timeoutMs, messages }: PortForwardContext,
): Promise<StartedKubectl> {
  signal.throwIfAborted();
  const kubectl = new Kubectl(argumentsOf(options), { env, clock, messages });
  let cancelTimer = () => {};
  const timeout = new Promise<never>((_, reject) => {
    cancelTimer = clock.setTimer(timeoutMs, () => {
      const text = `kubectl port-forward forwarded no port within ${timeoutMs / 1000} s (--timeout)`;
      reject(new Error(withOutput(text, kubectl.lastErrors)));
    });
  });
  try {
    return { kubectl, port: await orAbort(Promise.race([kubectl.port, timeout]), signal) };
  } catch (error) {
    await kubectl.stop();
    throw error;
  } finally {
    cancelTimer();
  }
}

/** Only on 127.0.0.1: without `--address`, kubectl is satisfied with `::1` if another program uses the port. */
function argumentsOf({ localPort, servicePort, namespace, context, kubeconfig }: PortForwardOptions) {
  return [
    "port-forward",
    // With `=`, so that no value is read as a flag.
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--namespace=${namespace}`,
    "--address=127.0.0.1",
    "service/hubble-relay",
    `${localPort}:${servicePort}`,
  ];
}

const FORWARDING = /^Forwarding from 127\.0\.0\.1:([1-9]\d{0,4}) -> \d+/;
const MAX_PORT = 65_535;

/** How long kubectl may take to end after SIGTERM, in milliseconds. */
const STOP_TIMEOUT_MS = 1000;

/** How a process has ended. */
interface Ending {
  readonly how: string;
  /** The last lines of its standard error. */
  readonly errors: readonly string[];
}

function failureText({ how, errors }: Ending): string {
  return withOutput(`kubectl port-forward ended (${how})`, errors);
}

function withOutput(text: string, errors: readonly string[]): string {
  return errors.length === 0 ? text : `${text}: ${errors.join("\n")}`;
}

/** Bounds of the output that is kept: lines, and characters of each. */
const MAX_LINES = 5;
const MAX_LINE_LENGTH = 300;
/** How many lines of standard error are reported while the port is forwarded. */
const MAX_REPORTED_LINES = 10;

type KubectlContext = Pick<PortForwardContext, "env" | "clock" | "messages">;

/** A run of kubectl. */
class Kubectl {
  /** The forwarded port. Rejects if kubectl cannot be started or ends before. */
  readonly port: Promise<number>;
  /** Resolves when kubectl has ended and its output is read. */
  readonly ended: Promise<Ending>;
  readonly #context: KubectlContext;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #lastErrors: string[] = [];
  #reportedLines = 0;
  #isForwarding = false;

  constructor(args: readonly string[], context: KubectlContext) {
    this.#context = context;
    const child = spawn("kubectl", args, {
      env: context.env,
      stdio: ["ignore", "pipe", "pipe"],
      // In its own process group: Ctrl-C must not end it before a recording is stopped, and a script that wraps kubectl
      // ends with kubectl.
      detached: true,
      windowsHide: true,
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        const how = signal === null ? `exit code ${code}` : signal;
        resolve({ how, errors: this.#lastErrors });
      });
    });
    this.port = new Promise((resolve, reject) => {
      child.once("error", (error) => reject(startError(error)));
      void this.ended.then((ending) => reject(new Error(failureText(ending))));
      readLines(child.stdout, (line) => {
        const port = Number(FORWARDING.exec(line)?.[1]);
        if (!(port <= MAX_PORT)) return;
        this.#isForwarding = true;
        resolve(port);
      });
    });
    // The caller may have given up waiting.
    this.port.catch(() => {});
    readLines(child.stderr, (line) => this.#readError(line));
    process.once("exit", this.#killAtExit);
    void this.#exited.then(() => process.removeListener("exit", this.#killAtExit));
  }

  get lastErrors(): readonly string[] {
    return this.#lastErrors;
  }

  /** Ends kubectl; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#kill("SIGTERM");
    let cancelTimer = () => {};
    const unstoppable = new Promise<void>((resolve) => {
      cancelTimer = this.#context.clock.setTimer(STOP_TIMEOUT_MS, () => {
        if (!this.#kill("SIGKILL")) resolve();
      });
    });
    await Promise.race([this.#exited, unstoppable]);
    cancelTimer();
    // A process that kubectl has started may still hold them.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  readonly #killAtExit = (): void => void this.#kill("SIGKILL");

  /** Returns whether a process has received the signal. */
  #kill(signal: "SIGTERM" | "SIGKILL"): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return false;
    // Windows has no process groups.
    if (process.platform === "win32") return this.#child.kill(signal);
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      // It has ended, or runs as another user.
      if (codeOf(error) === "ESRCH" || codeOf(error) === "EPERM") return false;
      throw error;
    }
  }

  #readError(line: string): void {
    if (line.trim() === "") return;
    this.#lastErrors.push(line);
    if (this.#lastErrors.length > MAX_LINES) this.#lastErrors.shift();
    if (!this.#isForwarding || ++this.#reportedLines > MAX_REPORTED_LINES) return;
    this.#context.messages.report(`kubectl port-forward: ${line}`);
  }
}

function startError(error: Error): Error {
  if (codeOf(error) !== "ENOENT") return error;
  return new Error("kubectl is not in PATH; install it, or set --server", { cause: error });
}

/** Calls `onLine` for each line, cut to {@link MAX_LINE_LENGTH} characters. */
function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  let line = "";
  const append = (text: string) => {
    line = (line + text).slice(0, MAX_LINE_LENGTH);
  };
  const endLine = () => {
    onLine(line.replace(/\r$/, ""));
    line = "";
  };
  // Null if the system is out of descriptors.
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    const [first = "", ...more] = text.split("\n");
    append(first);
    for (const next of more) {
      endLine();
      append(next);
    }
  });
  stream?.on("end", endLine);
}

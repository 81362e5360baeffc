import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface NatsServerOptions {
  readonly user?: string;
  readonly pass?: string;
}

/** A nats-server with JetStream, on a port of the loopback interface, with its files in a folder of its own. */
export class NatsServer implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "flowscribe-nats-"));
  readonly #options: NatsServerOptions;
  #process: ChildProcess | undefined;
  #port = 0;

  private constructor(options: NatsServerOptions) {
    this.#options = options;
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(options);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts it again, with the same port and files. */
  async start(): Promise<void> {
    const { user, pass } = this.#options;
    const child = spawn(
      "nats-server",
      [
        ...["--jetstream", "--store_dir", this.#folder, "--addr", "127.0.0.1"],
        // -1: any free port.
        ...["--port", String(this.#port || -1)],
        ...(user === undefined || pass === undefined ? [] : ["--user", user, "--pass", pass]),
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#process = child;
    let log = "";
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`nats-server ended with ${code}: ${log}`)));
      child.stderr?.on("data", (chunk) => {
        log += chunk;
        const port = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
        if (port !== undefined) this.#port = Number(port);
        if (log.includes("Server is ready")) resolve();
      });
    });
  }

  /** Ends it with SIGKILL, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

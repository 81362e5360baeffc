import { type ChildProcess, execFile, spawn } from "node:child_process";

/** The brokers of librdkafka's mock cluster, in a process of kcat, on ports of the loopback interface. Topics have four partitions. */
export class KafkaMock implements AsyncDisposable {
  readonly brokers: readonly string[];
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, brokers: readonly string[]) {
    this.#process = child;
    this.brokers = brokers;
  }

  static async start(): Promise<KafkaMock> {
    // kcat ends when its input does. Its own topic is never used; the address is replaced by those of the mock.
    const child = spawn(
      "kcat",
      ["-P", "-b", "127.0.0.1:1", "-t", "unused", "-X", "test.mock.num.brokers=3", "-d", "mock"],
      { stdio: ["pipe", "ignore", "pipe"] },
    );
    let log = "";
    const brokers = await new Promise<string[]>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`kcat ended with ${code}: ${log}`)));
      child.stderr?.on("data", (chunk) => {
        if (log.length < 100_000) log += chunk;
        const list = /bootstrap\.servers=([\d.:,]+)/.exec(log)?.[1];
        if (list !== undefined) resolve(list.split(","));
      });
    });
    return new KafkaMock(child, brokers);
  }

  /** The values of all messages of a topic, in their order within each partition. */
  async stored(topic: string): Promise<Uint8Array[]> {
    const args = ["-C", "-b", this.brokers.join(","), "-t", topic, "-e", "-q", "-f", "%R%s"];
    const output = await new Promise<Buffer>((resolve, reject) => {
      execFile("kcat", args, { encoding: "buffer", maxBuffer: 2 ** 28 }, (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      );
    });
    const values: Uint8Array[] = [];
    for (let offset = 0; offset < output.length; ) {
      const length = Math.max(output.readInt32BE(offset), 0);
      values.push(new Uint8Array(output.subarray(offset + 4, offset + 4 + length)));
      offset += 4 + length;
    }
    return values;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
  }
}

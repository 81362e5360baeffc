import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Wakeup } from "../../src/async/wakeup.js";

/** A message that the server has received. */
export interface FakeMessage {
  readonly subject: string;
  readonly headers: string;
  readonly body: Uint8Array;
  readonly reply: string;
}

/** What the server does with a message: an answer, no answer, or the end of the connection. */
export type FakeAnswer = string | "nothing" | "close" | "no responders";

export interface FakeServerOptions {
  readonly maxPayload?: number;
  /** The answer to the message with this number, from 0. By default all messages are stored. */
  readonly answer?: (message: FakeMessage, number: number) => FakeAnswer;
  /** Whether the server sends anything at all after a connection is accepted. */
  readonly isSilent?: boolean;
  /** The error with which the server refuses connections. */
  readonly refuse?: string;
}

/**
 * A server that speaks enough of the NATS protocol for one publisher, and stores messages as a stream does.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export class FakeNatsServer implements AsyncDisposable {
  readonly stored: FakeMessage[] = [];
  received = 0;
  pending = 0;
  mostPending = 0;
  isHolding = false;
  connections = 0;

  readonly #options: FakeServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #changed = new Wakeup();
  #held: (() => void)[] = [];

  private constructor(options: FakeServerOptions, server: Server) {
    this.#options = options;
    this.#server = server;
  }

  static async listen(options: FakeServerOptions = {}): Promise<FakeNatsServer> {
    const server = createServer();
    const fake = new FakeNatsServer(options, server);
    server.on("connection", (socket) => fake.#accept(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  release(): void {
    this.isHolding = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  /** Resolves when this many messages have arrived. */
  async untilReceived(count: number): Promise<void> {
    while (this.received < count) await this.#changed.wait();
  }

  /** Resolves when this many connections were accepted. */
  async untilConnected(count: number): Promise<void> {
    while (this.connections < count) await this.#changed.wait();
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    this.connections++;
    this.#changed.wake();
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    if (this.#options.isSilent) return;
    const { maxPayload = 1024 * 1024 } = this.#options;
    const info = { server_id: "FAKE", version: "2.10.0", proto: 1, headers: true, max_payload: maxPayload };
    socket.write(`INFO ${JSON.stringify({ ...info, host: "127.0.0.1", port: this.port })}\r\n`);
    const subscriptions = new Map<string, string>();
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const used = this.#command(rest, socket, subscriptions);
        if (used === 0) return;
        rest = rest.subarray(used);
      }
    });
  }

  /** Processes a command; returns its length, or 0 if it is not complete. */
  #command(bytes: Buffer, socket: Socket, subscriptions: Map<string, string>): number {
    const end = bytes.indexOf("\r\n");
    if (end < 0) return 0;
    const [verb = "", ...args] = bytes.toString("latin1", 0, end).split(" ");
    const after = end + 2;
    if (verb === "CONNECT" && this.#options.refuse !== undefined) {
      socket.end(`-ERR '${this.#options.refuse}'\r\n`);
    } else if (verb === "PING") socket.write("PONG\r\n");
    else if (verb === "SUB") subscriptions.set(args.at(-1) ?? "", args[0] ?? "");
    else if (verb === "UNSUB") subscriptions.delete(args[0] ?? "");
    else if (verb === "PUB" || verb === "HPUB") {
      const total = Number(args.at(-1));
      if (bytes.length < after + total + 2) return 0;
      const headerLength = verb === "HPUB" ? Number(args.at(-2)) : 0;
      const hasReply = args.length === (verb === "HPUB" ? 4 : 3);
      this.#receive(
        {
          subject: args[0] ?? "",
          reply: hasReply ? (args[1] ?? "") : "",
          headers: bytes.toString("latin1", after, after + headerLength),
          body: new Uint8Array(bytes.subarray(after + headerLength, after + total)),
        },
        socket,
        subscriptions,
      );
      return after + total + 2;
    }
    return after;
  }

  #receive(message: FakeMessage, socket: Socket, subscriptions: ReadonlyMap<string, string>): void {
    const number = this.received++;
    this.pending++;
    this.mostPending = Math.max(this.mostPending, this.pending);
    const answer = this.#options.answer?.(message, number) ?? this.#store(message);
    const send = () => {
      this.pending--;
      if (answer === "nothing") return;
      if (answer === "close") socket.destroy();
      else this.#reply(message.reply, answer, socket, subscriptions);
    };
    if (this.isHolding) this.#held.push(send);
    else send();
    this.#changed.wake();
  }

  /** The answer of a stream, which drops messages with an id that it has. */
  #store(message: FakeMessage): string {
    const id = /^Nats-Msg-Id: (.*)$/m.exec(message.headers)?.[1];
    const isRepeat =
      id !== undefined && this.stored.some(({ headers }) => headers.includes(`Nats-Msg-Id: ${id}\r`));
    if (!isRepeat) this.stored.push(message);
    return JSON.stringify({ stream: "S", seq: this.stored.length, duplicate: isRepeat });
  }

  #reply(subject: string, answer: string, socket: Socket, subscriptions: ReadonlyMap<string, string>): void {
    for (const [sid, pattern] of subscriptions) {
      if (!subject.startsWith(pattern.replace(/\*$/, ""))) continue;
      if (answer === "no responders") {
        const headers = "NATS/1.0 503\r\n\r\n";
        socket.write(`HMSG ${subject} ${sid} ${headers.length} ${headers.length}\r\n${headers}\r\n`);
      } else {
        socket.write(`MSG ${subject} ${sid} ${Buffer.byteLength(answer)}\r\n${answer}\r\n`);
      }
    }
  }
}

import { Wakeup } from "../../src/async/wakeup.js";
import type { KafkaClientLike } from "../../src/kafka/index.js";

type Producer = ReturnType<KafkaClientLike["producer"]>;
interface Message {
  readonly value: Uint8Array;
}

/** An error of a broker, as kafkajs reports it. */
export function protocolError(type: string): Error {
  return Object.assign(new Error(`broker: ${type}`), { name: "KafkaJSProtocolError", type });
}

/** A client whose topic is in memory, in one partition. */
export class FakeKafka implements KafkaClientLike {
  readonly stored: Message[] = [];
  /** What was passed to `send`, without the messages, and their number. */
  readonly requests: { topic: string; acks?: number; timeout?: number; count: number }[] = [];
  readonly producerConfigs: (object | undefined)[] = [];
  /** Messages with a larger value are refused. */
  maxBytes = Number.POSITIVE_INFINITY;
  received = 0;
  pending = 0;
  mostPending = 0;
  isConnected = false;
  isHolding = false;
  connectError: Error | undefined;
  /** The errors of the next requests. */
  errors: Error[] = [];

  readonly #changed = new Wakeup();

  release(): void {
    this.isHolding = false;
    this.#changed.wake();
  }

  async untilReceived(count: number): Promise<void> {
    while (this.received < count) await this.#changed.wait();
  }

  producer(config?: object): Producer {
    this.producerConfigs.push(config);
    return {
      connect: async () => {
        if (this.connectError !== undefined) throw this.connectError;
        this.isConnected = true;
      },
      disconnect: async () => {
        this.isConnected = false;
      },
      send: ({ messages, ...request }) => this.#send(messages as Message[], request),
    };
  }

  consumer(): never {
    throw new Error("not a client for sources");
  }

  async #send(
    messages: readonly Message[],
    request: { topic: string; acks?: number; timeout?: number },
  ): Promise<void> {
    this.requests.push({ ...request, count: messages.length });
    this.received += messages.length;
    this.pending += messages.length;
    this.mostPending = Math.max(this.mostPending, this.pending);
    this.#changed.wake();
    try {
      while (this.isHolding) await this.#changed.wait();
      await new Promise(setImmediate);
      const error = this.errors.shift();
      if (error !== undefined) throw error;
      if (messages.some(({ value }) => value.length > this.maxBytes))
        throw protocolError("MESSAGE_TOO_LARGE");
      this.stored.push(...messages);
    } finally {
      this.pending -= messages.length;
    }
  }
}

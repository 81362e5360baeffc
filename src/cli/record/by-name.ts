import { sleep } from "../../async/abort.js";
import type { AddressSelection } from "../../collect/address-book/selection.js";
import { type AddressBook, createAddressBook, selectByName } from "../../collect/index.js";
import { toFlowsRequest } from "../../observer/index.js";
import { type AddressSet, createAddressSet } from "../../packet/filter/address-set.js";
import type { PacketSource } from "../../packet/source.js";
import { observe } from "../../rpc/index.js";
import { reachServer, serverError } from "../client/connect.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import type { RecordCommandOptions } from "./options.js";

/** How many of the latest flows of a server are read at first, so that most addresses are known at once. */
const LATEST_FLOWS = 10_000n;

const LOST = "lost the connection; packets of the known addresses are still recorded";
/** The time before the first and before later attempts to connect again. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

/** What a recording by name needs of its command line. */
type ByNameOptions = Pick<RecordCommandOptions, "source" | "tunnels" | "hubble"> & {
  readonly names: NonNullable<RecordCommandOptions["names"]>;
};

/** Learns the addresses of names from a server, for as long as a recording lasts. */
export class NameRecording implements AsyncDisposable {
  readonly book: AddressBook;
  /** The set for an eBPF capture; undefined if every packet is needed. */
  readonly addresses: AddressSet | undefined;
  readonly #options: ByNameOptions;
  readonly #selections: readonly AddressSelection[] | undefined;
  #close: () => Promise<void> = async () => {};
  #failure: { readonly error: unknown } | undefined;
  #source: PacketSource | undefined;

  constructor(options: ByNameOptions, { clock }: Pick<Io, "clock">) {
    this.#options = options;
    this.book = createAddressBook({ clock, hubble: options.hubble });
    const { source, tunnels, names } = options;
    this.#selections = names.selections;
    const isNarrow = source === "ebpf" && !tunnels && names.beforeMs === 0 && names.selections !== undefined;
    this.addresses = isNarrow ? createAddressSet() : undefined;
  }

  /**
   * Selects the packets of the known addresses. Disposing of the result disposes of the source.
   *
   * @throws The error of the server, if it has failed already.
   */
  select(source: PacketSource, { clock }: Pick<Io, "clock">, messages: Messages): PacketSource {
    this.check();
    if (this.#selections === undefined) {
      this.#source = source;
      return source;
    }
    const { names, tunnels } = this.#options;
    const { beforeMs, ringBytes } = names;
    this.#source = selectByName(source, {
      book: this.book,
      selection: this.#selections,
      beforeMs,
      clock,
      onChange: ({ type, address }) => messages.report(this.#changeText(type, address)),
      ...(tunnels && { tunnels }),
      ...(ringBytes !== undefined && { ringBytes }),
      ...(this.addresses !== undefined && { addresses: this.addresses }),
    });
    return this.#source;
  }

  #changeText(type: "added" | "removed", address: string): string {
    const { namespace = "", podName = "" } = this.book.endpoint(address) ?? {};
    const [name = ""] = podName === "" ? this.book.names(address) : [`${namespace}/${podName}`];
    const holder = name === "" ? address : `${address} (${name})`;
    return type === "added" ? `Recording packets of ${holder}` : `No longer recording packets of ${holder}`;
  }

  /** Begins to learn. The recording ends if the server does not answer at first; later, the connection is restored. */
  async start(io: Io, messages: Messages): Promise<void> {
    const { names, hubble } = this.#options;
    const reached = await reachServer(names.server, io, messages);
    const { transport, server } = reached;
    const request = toFlowsRequest({ allow: [], deny: [], follow: true, number: LATEST_FLOWS }, { hubble });
    const ending = new AbortController();
    const { signal } = ending;
    const learn = async (): Promise<void> => {
      const begunMs = io.clock.now();
      let isLost = false;
      let delayMs = FIRST_DELAY_MS;
      for (;;) {
        try {
          for await (const event of observe(transport, request, { clock: io.clock, signal })) {
            if (isLost) messages.report(`${server.address}: connected again`);
            isLost = false;
            delayMs = FIRST_DELAY_MS;
            this.book.learn(event);
          }
        } catch (error) {
          const isFirst = this.book.stats.flows === 0 && io.clock.now() < begunMs + names.server.timeoutMs;
          if (signal.aborted || isFirst) throw serverError(server.address, error);
        }
        if (!isLost) messages.report(`${server.address}: ${LOST}`);
        isLost = true;
        await sleep(delayMs, io.clock, signal);
        delayMs = Math.min(2 * delayMs, MAX_DELAY_MS);
      }
    };
    learn().catch((error) => {
      if (signal.aborted) return;
      this.#failure = { error };
      this.#source?.stop?.();
    });
    this.#close = async () => {
      ending.abort();
      await reached[Symbol.asyncDispose]();
    };
  }

  /** @throws The error of the server, if it ended the recording. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

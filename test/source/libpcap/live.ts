import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll } from "vitest";
import type { PacketSource } from "../../../src/packet/index.js";
import { type Koffi, loadKoffi } from "../../../src/source/native/koffi.js";
import { loadLibpcap } from "../../../src/source/native/libpcap.js";
import {
  createNamespaceSwitch,
  createNetworkPair,
  type NamespaceSwitch,
  type NetworkPair,
  type NetworkPairOptions,
  whyNoNamespaces,
} from "../../support/netns.js";
import { describeUnless } from "../../support/shared.js";
import { RawSender } from "../../support/traffic/raw-sender.js";

/** Two namespaces, in the receiving one of which this thread stands, and a sender of frames in the other. */
export interface Live {
  readonly koffi: Koffi;
  readonly pair: NetworkPair;
  readonly sender: RawSender;
  readonly namespaces: NamespaceSwitch;
}

const reason = whyNoNamespaces() ?? (await whyNoLibpcap());

async function whyNoLibpcap(): Promise<string | undefined> {
  try {
    loadLibpcap(await loadKoffi());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A suite that captures live, with a pair of its own; use `live` only inside of tests. */
export function describeLive(
  name: string,
  body: (live: () => Live) => void,
  options: NetworkPairOptions = {},
): void {
  describeUnless(name, reason, () => {
    let live: Live | undefined;
    beforeAll(async () => {
      const koffi = await loadKoffi();
      const namespaces = await createNamespaceSwitch();
      const pair = createNetworkPair(options);
      const sender = namespaces.inside(pair.sender, () => RawSender.create(koffi, pair.sender.device));
      namespaces.enter(pair.receiver);
      live = { koffi, pair, sender, namespaces };
    });
    afterAll(() => {
      live?.namespaces.leave();
      live?.sender.close();
      live?.pair.remove();
    });
    body(() => {
      if (live === undefined) throw new TypeError("only inside of tests");
      return live;
    });
  });
}

/** All records of a source to its end, and how many they are. */
export async function readRecords(source: PacketSource): Promise<{ records: Buffer; count: number }> {
  const chunks: Uint8Array[] = [];
  let count = 0;
  for await (const batch of source) {
    chunks.push(batch.records);
    count += batch.length;
  }
  return { records: Buffer.concat(chunks), count };
}

/** What captures hold of the system: packet sockets in this namespace, and files in memory. */
export function heldByCaptures(): string {
  const sockets = readFileSync("/proc/thread-self/net/packet", "utf8").trim().split("\n").length - 1;
  const files = readdirSync("/proc/self/fd").filter((descriptor) =>
    linkOf(descriptor).includes("memfd:flowscribe"),
  );
  return `${sockets} sockets, ${files.length} files`;
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return "";
  }
}

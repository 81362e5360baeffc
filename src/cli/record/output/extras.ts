import { hostname, machine, release, type } from "node:os";
import type { AddressBook } from "../../../collect/address-book/address-book.js";
import type { FlowComments } from "../../../observer/comments/flow-comments.js";
import type { CaptureDescription, PcapngAdditions } from "../../../pcap/pcapng/add/additions.js";
import type { NameLookup } from "../../../pcap/pcapng/add/names.js";
import type { KeyLog } from "../../../sink/key-log.js";
import type { Io } from "../../io/io.js";
import { packageVersion } from "../../version.js";
import type { RecordCommandOptions } from "../options.js";

/** What the flags add to a pcapng file. */
export interface OutputExtras extends Disposable {
  readonly comments: FlowComments | undefined;
  readonly additions: PcapngAdditions | undefined;
  /** Why later secrets of the key log are missing; undefined if none are. */
  readonly fault: string | undefined;
}

/** Opens what the flags require. Loads the modules for it only when they are needed. */
export async function openExtras(
  options: RecordCommandOptions,
  io: Io,
  book: AddressBook | undefined,
): Promise<OutputExtras> {
  const { comments, keyLog, describesInterfaces, resolvesNames, nodeName } = options.output;
  const keys = keyLog === undefined ? undefined : await openKeys(keyLog, io);
  return {
    comments: comments && (await import("./comments.js")).createComments(comments, options),
    additions: additionsOf(
      keys,
      describesInterfaces ? describeCapture(nodeName) : undefined,
      resolvesNames && book !== undefined ? (address) => namesIn(book, address) : undefined,
    ),
    get fault() {
      return keys?.fault;
    },
    [Symbol.dispose]: () => keys?.[Symbol.dispose](),
  };
}

async function openKeys(path: string, { clock }: Io): Promise<KeyLog> {
  const { openKeyLog } = await import("../../../sink/key-log.js");
  return openKeyLog(path, { clock });
}

function additionsOf(
  keys: KeyLog | undefined,
  description: CaptureDescription | undefined,
  names: NameLookup | undefined,
): PcapngAdditions | undefined {
  if (keys === undefined && description === undefined && names === undefined) return undefined;
  return {
    ...(keys && { secrets: keys.secrets }),
    ...(description && { description }),
    ...(names && { names }),
  };
}

/** The pod of an address and its DNS names. */
function namesIn(book: AddressBook, address: string): string[] {
  const { namespace = "", podName = "" } = book.endpoint(address) ?? {};
  return [...(podName === "" ? [] : [`${namespace}/${podName}`]), ...book.names(address)];
}

function describeCapture(nodeName = hostname()): CaptureDescription {
  return {
    application: `flowscribe ${packageVersion()}`,
    hardware: machine(),
    operatingSystem: `${type()} ${release()}`,
    interfaces: `node ${nodeName}`,
  };
}

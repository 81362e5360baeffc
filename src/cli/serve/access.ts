import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";
import type { RecordingRequest } from "../../recorder/service/context.js";
import { errorText, UsageError } from "../error-text.js";
import type { ServeOptions } from "./options.js";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Returns the address to listen on. Only accepts addresses where access is restricted to clients with a certificate or
 * users of this machine, unless `--allow-anyone` is set. Resolves host names here, so that the address that is checked
 * is the one to listen on.
 *
 * @throws UsageError if others could connect; Error for a name that cannot be resolved.
 */
export async function listenAddress({ listen, tls, allowAnyone }: ServeOptions): Promise<string> {
  if (listen.kind === "unix")
    return listen.path.startsWith("/") ? `unix://${listen.path}` : `unix:${listen.path}`;
  const checksClients = tls !== undefined && tls.clientCaFiles.length > 0;
  const address = await addressOf(listen.host);
  if (!checksClients && !allowAnyone && !isLoopback(address)) {
    throw new UsageError(
      `every client that can reach ${listen.host} could record: require certificates with --tls-client-ca-files, ` +
        "listen on a unix socket or a loopback address, or set --allow-anyone",
    );
  }
  return `${isIPv6(address) ? `[${address}]` : address}:${listen.port}`;
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new Error(`cannot listen on ${host}: ${errorText(error)}`, { cause: error });
  }
}

function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** Whether a client may record: with `--allow-identity`, its certificate must contain one of the names. */
export function isAllowed(
  { peer }: RecordingRequest,
  { allowIdentities }: Pick<ServeOptions, "allowIdentities">,
): boolean {
  if (allowIdentities === undefined) return true;
  return peer?.identities.some((name) => allowIdentities.has(name)) === true;
}

import { loadPackage } from "../broker/optional-package.js";

/**
 * Loads the client when it is needed. In a file of its own: the declarations of the entry point must not refer to an optional
 * package.
 */
export async function loadTransport(): Promise<typeof import("@nats-io/transport-node")> {
  return loadPackage("@nats-io/transport-node", () => import("@nats-io/transport-node"));
}

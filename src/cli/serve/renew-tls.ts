import type { Clock } from "../../async/clock.js";
import { type RecorderServer, readServerTls, type ServerTls } from "../../rpc/index.js";
import { errorText } from "../error-text.js";
import type { Log } from "./log.js";
import type { ServerTlsFiles } from "./options.js";

/** How often it is looked whether certificates have been renewed. */
export const RENEWAL_INTERVAL_MS = 60_000;

/**
 * Looks at the files of TLS every minute, and has the server take them when they have changed, for connections from then on.
 * Files that cannot be read or used are told, and the server goes on with those it has.
 *
 * @returns What ends it.
 */
export function renewTls(
  server: RecorderServer,
  files: ServerTlsFiles,
  current: ServerTls,
  clock: Clock,
  log: Log,
): () => void {
  let isOver = false;
  let last = textOf(current);
  let callOff = clock.setTimer(RENEWAL_INTERVAL_MS, look);

  function look(): void {
    void renew().finally(() => {
      if (!isOver) callOff = clock.setTimer(RENEWAL_INTERVAL_MS, look);
    });
  }

  async function renew(): Promise<void> {
    try {
      const found = await readServerTls(files);
      const text = textOf(found);
      if (isOver || text === last) return;
      server.setTls(found);
      last = text;
      log("info", "certificates-renewed");
    } catch (error) {
      log("error", "certificates-not-renewed", { message: errorText(error) });
    }
  }

  return () => {
    isOver = true;
    callOff();
  };
}

function textOf({ cert, key, clientCa = [] }: ServerTls): string {
  return [cert, key, ...clientCa].map(String).join("\0");
}

import type { Clock } from "../../async/clock.js";
import { type RecorderServer, readServerTls, type ServerTls } from "../../rpc/index.js";
import { errorText } from "../error-text.js";
import type { Log } from "./log.js";
import type { ServerTlsFiles } from "./options.js";

/** Interval for checking whether certificates have been renewed, in milliseconds. */
export const RENEWAL_INTERVAL_MS = 60_000;

/**
 * Reads the TLS files every minute and, if they have changed, uses them for new connections. If they cannot be read or
 * used, logs an error and keeps the current ones.
 *
 * @returns A function that stops the checks.
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

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A ClickHouse server on the loopback interface, with its data in a folder of its own. */
export interface ClickhouseServer {
  readonly url: string;
  /** Runs a statement, and returns the answer. */
  query(sql: string): Promise<string>;
  close(): Promise<void>;
}

/** How often the start is awaited; it usually takes a second. */
const MAX_ATTEMPTS = 600;

export async function startClickhouse(): Promise<ClickhouseServer> {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-clickhouse-"));
  const port = await freePort();
  writeFileSync(join(folder, "config.xml"), configOf(folder, port));
  writeFileSync(join(folder, "users.xml"), USERS);
  const server = spawn("clickhouse-server", [`--config-file=${join(folder, "config.xml")}`], {
    stdio: "ignore",
    // Its log files, too.
    cwd: folder,
  });
  const url = `http://127.0.0.1:${port}/`;
  const close = async () => {
    await end(server);
    rmSync(folder, { recursive: true });
  };
  try {
    await untilReady(url, server);
  } catch (error) {
    await close();
    throw error;
  }
  const query = async (sql: string) => {
    const response = await fetch(url, { method: "POST", body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text.trimEnd();
  };
  return { url, query, close };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("not a port");
  return address.port;
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (server.exitCode !== null) throw new Error(`clickhouse-server ended with ${server.exitCode}`);
    const response = await fetch(`${url}ping`).catch(() => undefined);
    if (response?.ok) return;
    await delay(100);
  }
  throw new Error("clickhouse-server does not answer");
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill("SIGKILL");
  await once(server, "exit");
}

function configOf(folder: string, port: number): string {
  return `<?xml version="1.0"?>
<yandex>
  <logger><level>none</level></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${port}</http_port>
  <path>${folder}/data/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>1048576</mark_cache_size>
</yandex>
`;
}

const USERS = `<?xml version="1.0"?>
<yandex>
  <profiles>
    <default>
      <max_memory_usage>2000000000</max_memory_usage><max_threads>1</max_threads><max_block_size>1000</max_block_size>
    </default>
  </profiles>
  <users>
    <default>
      <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
    </default>
  </users>
  <quotas><default/></quotas>
</yandex>
`;

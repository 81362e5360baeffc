// `flowscribe collect` with a real server on loopback.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runCli } from "../../../src/cli/run.js";
import { openRecorderServer } from "../../../src/rpc/index.js";
import { type FakeObserver, fakeObserver } from "../../../src/testing/index.js";
import { testRecorder } from "../../rpc/servers.js";
import { fakeIo, oneTurn } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-collect-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Hubble extends AsyncDisposable {
  readonly address: string;
  readonly observer: FakeObserver;
}

async function hubble(): Promise<Hubble> {
  const observer = fakeObserver();
  const recorder = await testRecorder();
  const opened = await openRecorderServer("127.0.0.1:0", recorder.service, { routes: observer.routes });
  return {
    address: opened.address,
    observer,
    [Symbol.asyncDispose]: async () => {
      await opened.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

let files = 0;
function pathOf(name: string): string {
  return join(folder, `${files++}-${name}`);
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

function uuidsOf(path: string): string[] {
  return linesOf(path).map((line) => (JSON.parse(line) as { flow: { uuid: string } }).flow.uuid);
}

describe("collect", () => {
  test("writes flows to the outputs whose filters accept them, until it is interrupted", async () => {
    await using server = await hubble();
    const [config, all, drops] = [pathOf("config.yaml"), pathOf("all.jsonl"), pathOf("drops.jsonl")];
    writeFileSync(
      config,
      `source: { observer: { server: "${server.address}" } }
outputs:
  - { name: all, file: { path: ${all} } }
flowLogs:
  - { name: drops, filePath: ${drops}, includeFilters: [{ verdict: [DROPPED] }] }
`,
    );
    const io = fakeIo();
    const running = runCli(["collect", "--config", config], io);
    await until(() => server.observer.streams === 1);
    server.observer.push({ uuid: "1" }, { uuid: "2", verdict: "DROPPED" });
    await until(() => linesOf(all).length === 2 && linesOf(drops).length === 1);
    io.interrupt();
    expect(await running).toBe(0);
    expect(uuidsOf(all)).toEqual(["1", "2"]);
    expect(uuidsOf(drops)).toEqual(["2"]);
    expect(io.err()).toBe("2 events read, 0 filtered, 2 delivered\n");
  });

  test("resumes from its checkpoint, without gap and without repeats", async () => {
    await using server = await hubble();
    const [config, out, checkpoint] = [pathOf("config.yaml"), pathOf("all.jsonl"), pathOf("checkpoint")];
    writeFileSync(
      config,
      `source: { observer: { server: "${server.address}" } }
outputs: [{ name: all, file: { path: ${out} } }]
checkpoint: ${checkpoint}
`,
    );
    for (const [first, uuids] of [
      [true, ["1", "2"]],
      [false, ["3"]],
      [false, ["4", "5"]],
    ] as const) {
      const io = fakeIo();
      if (!first) server.observer.push({ uuid: `${uuids[0]}-while-away` });
      const before = linesOf(out).length;
      const running = runCli(["collect", "--config", config], io);
      await until(() => server.observer.streams === 1);
      server.observer.push(...uuids.map((uuid) => ({ uuid })));
      await until(() => linesOf(out).length === before + uuids.length + (first ? 0 : 1));
      io.interrupt();
      expect(await running).toBe(0);
      await until(() => server.observer.streams === 0);
    }
    expect(uuidsOf(out)).toEqual(["1", "2", "3-while-away", "3", "4-while-away", "4", "5"]);
  });

  test("SIGHUP: reloads the configuration, and goes on with the old one if the new one is faulty", async () => {
    await using server = await hubble();
    const [config, one, two, checkpoint] = [
      pathOf("c.yaml"),
      pathOf("1.jsonl"),
      pathOf("2.jsonl"),
      pathOf("cp"),
    ];
    const write = (path: string) =>
      writeFileSync(
        config,
        `source: { observer: { server: "${server.address}" } }
outputs: [{ name: all, file: { path: ${path} } }]
checkpoint: ${checkpoint}
`,
      );
    write(one);
    const io = fakeIo();
    const running = runCli(["collect", "--config", config], io);
    await until(() => server.observer.streams === 1);
    server.observer.push({ uuid: "1" });
    await until(() => linesOf(one).length === 1);
    writeFileSync(config, "outputs: 5");
    expect(io.hangUp()).toBe(true);
    await until(() => io.err().includes("the configuration is not reloaded"));
    server.observer.push({ uuid: "2" });
    await until(() => linesOf(one).length === 2);
    write(two);
    io.hangUp();
    await until(() => io.err().includes("reloaded\n"));
    server.observer.push({ uuid: "3" });
    await until(() => linesOf(two).length === 1);
    io.interrupt("SIGTERM");
    expect(await running).toBe(0);
    expect(uuidsOf(one)).toEqual(["1", "2"]);
    expect(uuidsOf(two)).toEqual(["3"]);
  });

  test("serves metrics and health", async () => {
    await using server = await hubble();
    const [config, out] = [pathOf("config.yaml"), pathOf("all.jsonl")];
    writeFileSync(
      config,
      `source: { observer: { server: "${server.address}" } }
outputs:
  - { name: all, file: { path: ${out} } }
  - { name: hubble, metrics: { hubble: "drop flow" } }
listen: 127.0.0.1:0
`,
    );
    const io = fakeIo();
    const running = runCli(["collect", "--config", config], io);
    await until(() => io.err().includes("serving"));
    const [, url] = /serving (\S+)\/metrics/.exec(io.err()) ?? [];
    await until(() => server.observer.streams === 1);
    server.observer.push({ uuid: "1" });
    await until(() => linesOf(out).length === 1);
    const written = 'flowscribe_collector_output_events_written_total{output="all"} 1\n';
    let metrics = "";
    // The line is in the file shortly before it counts as durable.
    while (!metrics.includes(written)) metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain("flowscribe_collector_events_read_total 1\n");
    expect(metrics).toMatch(/^hubble_flows_processed_total\{.*verdict="FORWARDED".*\} 1$/m);
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.text()]).toEqual([200, "ok\n"]);
    io.interrupt();
    expect(await running).toBe(0);
  });

  test("writes lines to standard output", async () => {
    await using server = await hubble();
    const config = pathOf("config.json");
    const value = {
      source: { observer: { server: server.address } },
      outputs: [{ name: "out", stdout: {}, fieldMask: ["uuid"] }],
    };
    writeFileSync(config, JSON.stringify(value));
    const io = fakeIo();
    const running = runCli(["collect", "--config", config], io);
    await until(() => server.observer.streams === 1);
    server.observer.push({ uuid: "1" });
    await until(() => io.out() !== "");
    io.interrupt();
    expect(await running).toBe(0);
    expect(JSON.parse(io.out())).toMatchObject({ flow: { uuid: "1" } });
    expect(io.out()).not.toContain("verdict");
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectRouter } from "@connectrpc/connect";
import { afterAll, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { runCli } from "../../../src/cli/run.js";
import { createHealthService, openRecorderServer } from "../../../src/rpc/index.js";
import { fakeObserver } from "../../../src/testing/index.js";
import { testRecorder } from "../../rpc/servers.js";
import { fakeIo, outputOf, runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-status-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function server(routes: (router: ConnectRouter) => void, health: boolean) {
  const recorder = await testRecorder();
  const opened = await openRecorderServer("127.0.0.1:0", recorder.service, { routes, health });
  return {
    address: opened.address,
    [Symbol.asyncDispose]: async () => {
      await opened.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

const observerRoutes = () => fakeObserver({ flows: [{ from: "shop/web" }], version: "1.16.2" }).routes;

test("compact has the health, then the numbers", async () => {
  await using hubble = await server(observerRoutes(), true);
  const out = await outputOf(["status", "--server", hubble.address]);
  expect(out).toMatch(
    /^Healthcheck \(via 127\.0\.0\.1:\d+\): Ok\nCurrent\/Max Flows: 1\/4,095 \(0\.02%\)\nFlows\/s: .+\n/,
  );
  expect(out.endsWith("\n")).toBe(true);
});

test.each([
  { output: "dict", expected: /^ *NUM FLOWS: 1\n *MAX FLOWS: 4,095\n[\s\S]*VERSION: 1\.16\.2\n$/ },
  { output: "table", expected: /^NUM FLOWS +MAX FLOWS .*VERSION\n1 +4,095 .*1\.16\.2\n$/ },
])("$output has the numbers only", async ({ output, expected }) => {
  await using hubble = await server(observerRoutes(), true);
  expect(await outputOf(["status", "--server", hubble.address, "-o", output])).toMatch(expected);
});

test.each(["json", "jsonpb"])("%s is one message, with names as in its definition", async (output) => {
  await using hubble = await server(observerRoutes(), true);
  const status = JSON.parse(await outputOf(["status", "--server", hubble.address, "-o", output]));
  expect(status).toMatchObject({ num_flows: "1", max_flows: "4095", version: "1.16.2" });
});

test("a server without a health check is shown without", async () => {
  await using hubble = await server(observerRoutes(), false);
  expect(await outputOf(["status", "--server", hubble.address])).toMatch(/^Current\/Max Flows: /);
});

test("the server of the environment", async () => {
  await using hubble = await server(observerRoutes(), true);
  expect(await outputOf(["status"], { env: { HUBBLE_SERVER: hubble.address } })).toContain(hubble.address);
});

test("a recorder is healthy, and has no flows", async () => {
  await using recorder = await server(() => {}, true);
  const { address } = recorder;
  expect(await runFake(["status", "--server", address])).toEqual({
    code: EXIT.ok,
    out: `Healthcheck (via ${address}): Ok\n`,
    err: `${address} is a server without flows\n`,
  });
});

test("one that says it is not healthy ends with 1", async () => {
  const health = createHealthService([]);
  health.shutdown();
  await using hubble = await server((router) => {
    observerRoutes()(router);
    health.routes(router);
  }, false);
  const { code, out, err } = await runFake(["status", "--server", hubble.address]);
  expect({ code, out, err }).toEqual({
    code: EXIT.failed,
    out: `Healthcheck (via ${hubble.address}): Unavailable: NOT_SERVING\n`,
    err: `${hubble.address}: not healthy\n`,
  });
});

test("one that is not there ends with 1", async () => {
  const address = `unix://${join(folder, "none")}`;
  const { code, out, err } = await runFake(["status", "--server", address]);
  expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
  expect(err).toContain(`${address}: rpc error: code = Unavailable desc = `);
});

test("interrupted while it waits, it ends as the signal says", async () => {
  const io = fakeIo();
  const ended = runCli(["status", "--server", "192.0.2.1:1", "--timeout", "10m"], io);
  io.interrupt("SIGTERM");
  expect(await ended).toBe(EXIT.terminated);
});

test.each([
  { args: ["x"], err: "status takes no arguments: x\n" },
  { args: ["-o", "xml"], err: "invalid output format: xml\n" },
  { args: ["--sever", "x"], err: "unknown flag: --sever\nDid you mean --server?\n" },
  { args: ["--tls-server-name", "x"], err: "--tls-server-name needs --tls, or" },
])("$args is refused", async ({ args, err }) => {
  const outcome = await runFake(["status", ...args]);
  expect(outcome.code).toBe(EXIT.usage);
  expect(outcome.err.startsWith(err)).toBe(true);
});

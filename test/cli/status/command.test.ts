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

test("status: prints the health, then the numbers, in compact output", async () => {
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
])("status: prints only the numbers with -o $output", async ({ output, expected }) => {
  await using hubble = await server(observerRoutes(), true);
  expect(await outputOf(["status", "--server", hubble.address, "-o", output])).toMatch(expected);
});

test.each(["json", "jsonpb"])(
  "status: prints one message with field names of its definition with -o %s",
  async (output) => {
    await using hubble = await server(observerRoutes(), true);
    const status = JSON.parse(await outputOf(["status", "--server", hubble.address, "-o", output]));
    expect(status).toMatchObject({ num_flows: "1", max_flows: "4095", version: "1.16.2" });
  },
);

test("status: works with a server without a health check", async () => {
  await using hubble = await server(observerRoutes(), false);
  expect(await outputOf(["status", "--server", hubble.address])).toMatch(/^Current\/Max Flows: /);
});

test.each(["1.16", "1.19"])("status: prints the same with --hubble-version %s", async (version) => {
  await using hubble = await server(observerRoutes(), false);
  const args = ["status", "--server", hubble.address, "-o", "dict"];
  const out = await outputOf([...args, "--hubble-version", version]);
  const env = { FLOWSCRIBE_HUBBLE_VERSION: version };
  expect(out).toContain("VERSION: 1.16.2\n");
  expect(await outputOf(args, { env })).toBe(out);
  expect(await outputOf(args)).toBe(out);
});

test("status: uses HUBBLE_SERVER", async () => {
  await using hubble = await server(observerRoutes(), true);
  expect(await outputOf(["status"], { env: { HUBBLE_SERVER: hubble.address } })).toContain(hubble.address);
});

test("status: reports a recorder as healthy, without flows", async () => {
  await using recorder = await server(() => {}, true);
  const { address } = recorder;
  expect(await runFake(["status", "--server", address])).toEqual({
    code: EXIT.ok,
    out: `Healthcheck (via ${address}): Ok\n`,
    err: `${address} is a server without flows\n`,
  });
});

test("status: exits with 1 for an unhealthy server", async () => {
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

test("status: exits with 1 for an unreachable server", async () => {
  const address = `unix://${join(folder, "none")}`;
  const { code, out, err } = await runFake(["status", "--server", address]);
  expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
  expect(err).toContain(`${address}: rpc error: code = Unavailable desc = `);
});

test("status: exits with the code of the signal when interrupted", async () => {
  const io = fakeIo();
  const ended = runCli(["status", "--server", "192.0.2.1:1", "--timeout", "10m"], io);
  io.interrupt("SIGTERM");
  expect(await ended).toBe(EXIT.terminated);
});

test.each([
  { args: ["x"], err: "unexpected arguments: x; set the address of the server with --server\n" },
  { args: ["--hubble-version", "1.18"], err: 'invalid argument "1.18" for "--hubble-version" flag: ' },
  { args: ["-o", "xml"], err: "invalid output format: xml\n" },
  { args: ["--sever", "x"], err: "unknown flag: --sever\nDid you mean --server?\n" },
  { args: ["--tls-server-name", "x"], err: "--tls-server-name needs --tls, or" },
])("status: rejects $args", async ({ args, err }) => {
  const outcome = await runFake(["status", ...args]);
  expect(outcome.code).toBe(EXIT.usage);
  expect(outcome.err.startsWith(err)).toBe(true);
});

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openPortForward, type PortForwardOptions } from "../../../src/cli/client/port-forward.js";
import { fakeClock } from "../../support/fake-clock.js";
import { oneTurn } from "../fake-io.js";
import { BEHAVIOURS, type FakeKubectl, fakeKubectl, isRunning } from "./fake-kubectl.js";

const OPTIONS: PortForwardOptions = {
  localPort: 0,
  servicePort: 80,
  namespace: "kube-system",
  context: undefined,
  kubeconfig: undefined,
};

/** Nothing listens there: these tests make no connections. */
const NOWHERE = "127.0.0.1:1";

function forwarding({ env }: Pick<FakeKubectl, "env">, options: Partial<PortForwardOptions> = {}) {
  const clock = fakeClock();
  const controller = new AbortController();
  const reports: string[] = [];
  const opened = openPortForward(
    { ...OPTIONS, ...options },
    {
      env,
      clock,
      signal: controller.signal,
      timeoutMs: 5000,
      messages: { report: (text) => void reports.push(text) },
    },
  );
  opened.catch(() => {});
  return { opened, clock, controller, reports };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("openPortForward: returns the address that kubectl prints, and ends kubectl when disposed of", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.forward(NOWHERE));
  const { opened, clock, reports } = forwarding(kubectl);
  const forward = await opened;
  const [run] = await kubectl.started();
  expect(forward.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  expect(isRunning(run!.pid)).toBe(true);
  await forward[Symbol.asyncDispose]();
  expect(isRunning(run!.pid)).toBe(false);
  expect(clock.pending).toBe(0);
  expect(reports).toEqual([]);
});

test.each([
  {
    options: {},
    expected: ["--namespace=kube-system", "--address=127.0.0.1", "service/hubble-relay", "0:80"],
  },
  {
    options: { namespace: "cilium", context: "-x", kubeconfig: "/a b", servicePort: 443 },
    expected: [
      "--kubeconfig=/a b",
      "--context=-x",
      "--namespace=cilium",
      "--address=127.0.0.1",
      "service/hubble-relay",
      "0:443",
    ],
  },
])("openPortForward: starts kubectl with $expected", async ({ options, expected }) => {
  using kubectl = fakeKubectl(BEHAVIOURS.forward(NOWHERE));
  await using _ = await forwarding(kubectl, options).opened;
  expect(kubectl.runs()[0]?.args).toEqual(["port-forward", ...expected]);
});

test("openPortForward: forwards the given local port", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.forward(NOWHERE));
  const localPort = await freePort();
  await using forward = await forwarding(kubectl, { localPort }).opened;
  expect(forward.address).toBe(`127.0.0.1:${localPort}`);
});

test("openPortForward: says what to do if kubectl is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-path-"));
  const { opened, clock } = forwarding({ env: { PATH: folder } });
  await expect(opened).rejects.toThrow(/^kubectl is not in PATH; install it, or set --server$/);
  expect(clock.pending).toBe(0);
  rmSync(folder, { recursive: true });
});

test("openPortForward: fails with the standard error of a kubectl that exits", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.exit(1, 'error: context "k" does not exist\n'));
  const { opened, clock } = forwarding(kubectl);
  await expect(opened).rejects.toThrow(
    /^kubectl port-forward ended \(exit code 1\): error: context "k" does not exist$/,
  );
  expect(clock.pending).toBe(0);
});

test("openPortForward: keeps the last lines of a long standard error, each cut", async () => {
  const lines = Array.from({ length: 1000 }, (_, index) => `line ${index} ${"x".repeat(10_000)}`);
  using kubectl = fakeKubectl(BEHAVIOURS.exit(3, lines.join("\n")));
  const error = await forwarding(kubectl).opened.catch((error: Error) => error);
  const text = (error as Error).message;
  expect(text).toMatch(/^kubectl port-forward ended \(exit code 3\): line 995 x+\n/);
  expect(text.split("\n").map((line) => line.length)).toEqual([342, 300, 300, 300, 300]);
});

test.each([
  { name: "prints nothing", behaviour: BEHAVIOURS.hang() },
  { name: "prints a line without end", behaviour: BEHAVIOURS.print("Forwarding ".repeat(100_000)) },
  {
    name: "prints other lines",
    behaviour: BEHAVIOURS.print(
      [
        "\0\x1b[2J",
        "Forwarding from [::1]:4245 -> 4245",
        "Forwarding from 127.0.0.1:0 -> 4245",
        "Forwarding from 127.0.0.1:65536 -> 4245",
        "Forwarding from 127.0.0.1:4245",
        "x Forwarding from 127.0.0.1:4245 -> 4245\n",
      ].join("\n"),
    ),
  },
])("openPortForward: ends a kubectl that $name when the time is over", async ({ behaviour }) => {
  using kubectl = fakeKubectl(behaviour);
  const { opened, clock } = forwarding(kubectl);
  const [run] = await kubectl.started();
  clock.advance(5000);
  await expect(opened).rejects.toThrow(/^kubectl port-forward forwarded no port within 5 s \(--timeout\)$/);
  expect(isRunning(run!.pid)).toBe(false);
  expect(clock.pending).toBe(0);
});

test("openPortForward: kills a kubectl that ignores SIGTERM", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.hangDespiteSigterm());
  const { opened, clock, controller } = forwarding(kubectl);
  const [run] = await kubectl.started();
  controller.abort(new Error("interrupted"));
  await until(() => clock.pending > 0);
  clock.advance(1000);
  await expect(opened).rejects.toThrow("interrupted");
  expect(isRunning(run!.pid)).toBe(false);
});

test.skipIf(process.platform === "win32")(
  "openPortForward: also ends a kubectl that another program has started",
  async () => {
    const wrapper = `if (process.argv[2] !== "inner")
    require("node:child_process").spawn(process.argv[1], ["inner"], { stdio: "inherit" });`;
    using kubectl = fakeKubectl(wrapper + BEHAVIOURS.hang());
    const { opened, controller } = forwarding(kubectl);
    const runs = await kubectl.started(2);
    controller.abort(new Error("interrupted"));
    await expect(opened).rejects.toThrow("interrupted");
    await until(() => !runs.some(({ pid }) => isRunning(pid)));
  },
);

test("openPortForward: rejects with the reason of the signal", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.hang());
  const { opened, clock, controller } = forwarding(kubectl);
  const [run] = await kubectl.started();
  controller.abort(new Error("interrupted"));
  await expect(opened).rejects.toThrow("interrupted");
  expect(isRunning(run!.pid)).toBe(false);
  expect(clock.pending).toBe(0);
});

test("openPortForward: restarts a kubectl that ends, with the same port", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.forward(NOWHERE));
  const { opened, clock, reports } = forwarding(kubectl);
  await using forward = await opened;
  const port = forward.address.split(":")[1];
  for (const delayMs of [1000, 2000, 4000]) {
    const { length } = kubectl.runs();
    process.kill(kubectl.runs().at(-1)!.pid, "SIGKILL");
    await until(() => clock.pending > 0);
    expect(reports.splice(0)).toEqual(["kubectl port-forward ended (SIGKILL)"]);
    clock.advance(delayMs - 1);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    const runs = await kubectl.started(length + 1);
    expect(runs.at(-1)!.args.at(-1)).toBe(`${port}:80`);
    // Until the port is forwarded, a timer limits the wait.
    await until(() => clock.pending === 0);
  }
});

test("openPortForward: reports the errors of a kubectl that runs, up to ten", async () => {
  const errors = Array.from({ length: 20 }, (_, index) => `E${index}\n\n`).join("");
  const behaviour = `process.stdout.write("Forwarding from 127.0.0.1:4245 -> 4245\\n", () => setTimeout(() =>
    process.stderr.write(${JSON.stringify(errors)}, () => process.exit(1)), 0));`;
  using kubectl = fakeKubectl(behaviour);
  const { opened, reports } = forwarding(kubectl);
  await using _ = await opened;
  await until(() => reports.some((text) => text.includes("ended")));
  expect(reports.at(-1)).toBe("kubectl port-forward ended (exit code 1): E15\nE16\nE17\nE18\nE19");
  const live = reports.slice(0, -1);
  expect(live.length).toBeLessThanOrEqual(10);
  for (const text of live) expect(text).toMatch(/^kubectl port-forward: E\d+$/);
});

test("openPortForward: cancels a restart when disposed of", async () => {
  using kubectl = fakeKubectl(BEHAVIOURS.forward(NOWHERE));
  const { opened, clock } = forwarding(kubectl);
  const forward = await opened;
  process.kill(kubectl.runs()[0]!.pid, "SIGKILL");
  await until(() => clock.pending > 0);
  await forward[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
  expect(kubectl.runs()).toHaveLength(1);
});

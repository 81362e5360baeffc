// `--port-forward` of the commands for servers: a fake kubectl forwards a port to real servers on loopback.
import { connect } from "node:net";
import { join } from "node:path";
import type { ConnectRouter } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { runCli } from "../../../src/cli/run.js";
import { Observer } from "../../../src/proto.js";
import { openRecorderServer } from "../../../src/rpc/index.js";
import { type FakeObserver, fakeObserver } from "../../../src/testing/index.js";
import { numbered } from "../../recorder/packets.js";
import { testRecorder } from "../../rpc/servers.js";
import { fakeIo, oneTurn, runFake } from "../fake-io.js";
import { BEHAVIOURS, fakeKubectl, isRunning } from "./fake-kubectl.js";

const FLOWS = ["web", "cart"].map((pod) => ({ from: `shop/${pod}:40000`, to: "10.0.0.2:80" }));
const DNS = "10.0.0.0/8 0 0.0.0.0/0 53 UDP";
/** Any free port, as tests run side by side. */
const FORWARD = ["-P", "--port-forward-port", "0"];

interface Relay extends AsyncDisposable {
  readonly address: string;
  readonly recorder: Awaited<ReturnType<typeof testRecorder>>;
}

async function relay(routes: (router: ConnectRouter) => void): Promise<Relay> {
  const recorder = await testRecorder();
  const server = await openRecorderServer("127.0.0.1:0", recorder.service, { routes, health: false });
  return {
    recorder,
    address: server.address,
    [Symbol.asyncDispose]: async () => {
      await server.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

async function relayWithFlows(): Promise<Relay & { readonly observer: FakeObserver }> {
  const observer = fakeObserver({ flows: FLOWS, version: "hubble-relay v1.16.2" });
  return { ...(await relay(observer.routes)), observer };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

/** Waits until a server listens on the port. */
async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
  }
}

describe("observe --port-forward", () => {
  test("prints the flows of Relay and ends kubectl", async () => {
    await using hubble = await relayWithFlows();
    using kubectl = fakeKubectl(BEHAVIOURS.forward(hubble.address));
    const { code, out, err } = await runFake(["observe", ...FORWARD], { env: kubectl.env });
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
    expect(out.match(/shop\/(web|cart)/g)).toEqual(["shop/web", "shop/cart"]);
    const [run] = kubectl.runs();
    expect(run?.args.slice(-2)).toEqual(["service/hubble-relay", "0:80"]);
    expect(isRunning(run!.pid)).toBe(false);
  });

  test("passes the flags to kubectl", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.exit(1, ""));
    const args = ["-P", "--kube-context", "k", "--kube-namespace", "n", "--kubeconfig", "c", "--tls"];
    await runFake(["observe", ...args], { env: kubectl.env });
    expect(kubectl.runs()[0]?.args).toEqual([
      ...["port-forward", "--kubeconfig=c", "--context=k", "--namespace=n", "--address=127.0.0.1"],
      ...["service/hubble-relay", "4245:443"],
    ]);
  });

  test("reads the flags from the environment", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.exit(1, ""));
    const env = {
      ...kubectl.env,
      HUBBLE_SERVER: "example.com:4245",
      HUBBLE_PORT_FORWARD: "true",
      HUBBLE_PORT_FORWARD_PORT: "0x10",
      HUBBLE_KUBE_NAMESPACE: "cilium",
    };
    await runFake(["observe"], { env });
    expect(kubectl.runs()[0]?.args).toContain("--namespace=cilium");
    expect(kubectl.runs()[0]?.args.at(-1)).toBe("16:80");
    const { err } = await runFake(["observe"], { env: { ...env, HUBBLE_PORT_FORWARD_PORT: "65536" } });
    expect(err).toMatch(/^invalid HUBBLE_PORT_FORWARD_PORT: .*value out of range\n/);
  });

  test("does not start kubectl for a server or a file that is given as well", async () => {
    await using hubble = await relayWithFlows();
    using kubectl = fakeKubectl(BEHAVIOURS.exit(1, ""));
    const env = { ...kubectl.env, HUBBLE_PORT_FORWARD: "true" };
    const server = await runFake(["observe", "--server", hubble.address], { env });
    const file = await runFake(["observe", "-"], { env });
    expect([server.code, file.code]).toEqual([EXIT.ok, EXIT.ok]);
    expect(kubectl.runs()).toEqual([]);
  });

  test("follows until Ctrl-C, restarting a kubectl that ends", async () => {
    await using hubble = await relayWithFlows();
    using kubectl = fakeKubectl(BEHAVIOURS.forward(hubble.address));
    const io = fakeIo({ env: kubectl.env });
    // So that the clock, which the test advances quickly, does not end the start of kubectl.
    const timeout = ["--timeout", "500h"];
    const ended = runCli(["observe", "--follow", "--last", "2", ...timeout, ...FORWARD], io);
    await until(() => io.out().includes("shop/cart"));
    process.kill(kubectl.runs()[0]!.pid, "SIGKILL");
    await until(() => io.err().includes("kubectl port-forward ended (SIGKILL)\n"));
    hubble.observer.push({ ...FLOWS[0]!, from: "shop/late:40000" });
    io.clock.advance(1000);
    const [, restarted] = await kubectl.started(2);
    // Only now, as the client gives up after some attempts.
    await listening(Number(restarted!.args.at(-1)!.split(":")[0]));
    while (!io.out().includes("shop/late")) {
      io.clock.advance(1000);
      await oneTurn();
    }
    expect(io.err()).toContain(": reconnected after a lost connection\n");
    io.interrupt();
    expect(await ended).toBe(EXIT.ok);
    for (const { pid } of kubectl.runs()) expect(isRunning(pid)).toBe(false);
  });

  test("ends a kubectl that hangs when interrupted", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.hang());
    const io = fakeIo({ env: kubectl.env });
    const ended = runCli(["observe", ...FORWARD], io);
    const [run] = await kubectl.started();
    io.interrupt("SIGTERM");
    expect(await ended).toBe(EXIT.terminated);
    expect(isRunning(run!.pid)).toBe(false);
  });

  test("reports a server that is not gRPC with the address of the port, and ends kubectl", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.forward("127.0.0.1:1"));
    const { code, err } = await runFake(["observe", ...FORWARD], { env: kubectl.env });
    expect(code).toBe(EXIT.failed);
    expect(err).toMatch(/^127\.0\.0\.1:[1-9]\d*: rpc error: code = Unavailable desc = /);
    expect(isRunning(kubectl.runs()[0]!.pid)).toBe(false);
  });

  test.each([
    { args: ["-P", "a.log"], err: "cannot use --input-file and --auto-port-forward together\n" },
    {
      args: ["-P", "--input-file", "a.log"],
      err: "cannot use --input-file and --auto-port-forward together\n",
    },
    { args: ["-P", "--server", "x"], err: "cannot set both --server and --port-forward\n" },
    { args: ["-P", "-o", "raw"], err: "raw output format requires files; use jsonpb with --port-forward\n" },
    {
      args: ["-P", "--jobs", "2"],
      err: "--jobs requires files; it has no effect with --port-forward\n",
    },
    { args: ["-P", "--tls-server-name", "x"], err: "--tls-server-name needs --tls, or an address" },
    { args: ["-P", "--request-timeout", "0s"], err: "--request-timeout must be above 0\n" },
    { args: ["-P", "--request-timeout", "600h"], err: "--request-timeout must not be above 24 days\n" },
    { args: ["-P", "--timeout", "600h"], err: "--timeout must not be above 24 days\n" },
  ])("rejects $args", async ({ args, err }) => {
    const outcome = await runFake(["observe", ...args]);
    expect(outcome.code).toBe(EXIT.usage);
    expect(outcome.err.startsWith(err)).toBe(true);
  });

  test("exits with 1 if kubectl is missing", async () => {
    const env = { PATH: join(import.meta.dirname, "none") };
    expect(await runFake(["observe", "-P"], { env })).toEqual({
      code: EXIT.failed,
      out: "",
      err: "kubectl is not in PATH; install it, or set --server\n",
    });
  });
});

describe("status --port-forward", () => {
  test("prints the status of Relay", async () => {
    await using hubble = await relayWithFlows();
    using kubectl = fakeKubectl(BEHAVIOURS.forward(hubble.address));
    const { code, out } = await runFake(["status", ...FORWARD, "-o", "dict"], { env: kubectl.env });
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("VERSION: hubble-relay v1.16.2\n");
    expect(isRunning(kubectl.runs()[0]!.pid)).toBe(false);
  });

  test("exits with the error of kubectl", async () => {
    using kubectl = fakeKubectl(BEHAVIOURS.exit(1, "error: \x1b[2Jno cluster\n"));
    expect(await runFake(["status", "-P"], { env: kubectl.env })).toEqual({
      code: EXIT.failed,
      out: "",
      err: "kubectl port-forward ended (exit code 1): error: ^[[2Jno cluster\n",
    });
  });
});

describe("record --port-forward", () => {
  test("stops the recording before it ends kubectl", async () => {
    await using hubble = await relay(() => {});
    using kubectl = fakeKubectl(BEHAVIOURS.forward(hubble.address));
    const { sources } = hubble.recorder;
    const io = fakeIo({ env: kubectl.env });
    const ended = runCli(["record", ...FORWARD, DNS], io);
    await until(() => io.err() === "Started recording. Press CTRL+C to stop.\n");
    sources[0]?.push(numbered(3, 1));
    await until(() => sources[0]?.unread === 0);
    io.interrupt();
    expect(await ended).toBe(EXIT.ok);
    expect(io.out()).toMatch(/Result: 3 packets/);
    expect(isRunning(kubectl.runs()[0]!.pid)).toBe(false);
  });

  test.each([
    { args: ["-P", "-i", "lo", DNS], err: "cannot set both --port-forward and --device\n" },
    { args: ["-i", "lo", "--kube-context", "k"], err: "--kube-context needs --port-forward\n" },
  ])("rejects $args", async ({ args, err }) => {
    const outcome = await runFake(["record", ...args]);
    expect(outcome.code).toBe(EXIT.usage);
    expect(outcome.err.startsWith(err)).toBe(true);
  });
});

describe("the version of a server", () => {
  async function reported(status: string, headers: Readonly<Record<string, string>>): Promise<string> {
    await using hubble = await relay((router) =>
      router.service(Observer, {
        async *getFlows() {},
        serverStatus: (_, { responseHeader }) => {
          for (const [name, value] of Object.entries(headers)) responseHeader.set(name, value);
          return { version: status };
        },
      }),
    );
    const args = ["observe", "--hubble-version", "1.16", "--server", hubble.address];
    return (await runFake(args)).err.replace(hubble.address, "SERVER");
  }
  const DIFFERS = "SERVER: the server is like Hubble 1.19, which differs from --hubble-version 1.16\n";

  test.each([
    { status: "", headers: {}, expected: "" },
    { status: "", headers: { "hubble-server-version": "1.18.2" }, expected: DIFFERS },
    { status: "", headers: { "hubble-relay-version": "1.19.2+g3977f6a1" }, expected: DIFFERS },
    { status: "1.16.2", headers: { "hubble-relay-version": "1.19.2" }, expected: "" },
    { status: "", headers: { "hubble-relay-version": "x" }, expected: "" },
  ])("is that of the status, or else of the headers: $status $headers", async (row) => {
    expect(await reported(row.status, row.headers)).toBe(row.expected);
  });
});

describe("--request-timeout", () => {
  test.each(["observe", "status"])("limits the wait for the status: %s", async (command) => {
    await using hubble = await relay((router) =>
      router.service(Observer, { serverStatus: (_, { signal }) => untilAborted(signal) }),
    );
    const args = ["--server", hubble.address, "--timeout", "10m", "--request-timeout", "50ms"];
    const { code, err } = await runFake([command, ...args]);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain("the server did not answer within 0.05 s (--request-timeout)");
  });

  function untilAborted(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
});

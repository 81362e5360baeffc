import { describe, expect, test } from "vitest";
import { compileFlowFilter } from "../../src/filter/index.js";
import { Verdict } from "../../src/gen/flow/flow_pb.js";
import { decodeCapture } from "../../src/pcap/index.js";
import { recordRemote } from "../../src/rpc/index.js";
import { fakeClock, fakeRecorder, flow } from "../../src/testing/index.js";
import { packetBytes, WANTED } from "../recorder/packets.js";

describe("flow", () => {
  test.each([
    { init: { from: "default/web" }, filter: { sourcePod: ["default/web"] } },
    { init: { from: "web" }, filter: { sourcePod: ["default/web"] } },
    {
      init: { to: "kube-system/dns:53", protocol: "UDP" },
      filter: { destinationPort: ["53"], protocol: ["udp"] },
    },
    { init: { to: "kube-system/dns:53" }, filter: { destinationPod: ["kube-system/"] } },
    { init: { from: "10.0.0.1:99" }, filter: { sourceIp: ["10.0.0.1"], sourcePort: ["99"] } },
    {
      init: { from: "[fd00::1]:99", to: "[fd00::2]:53" },
      filter: { sourceIp: ["fd00::/16"], ipVersion: [2] },
    },
    { init: { from: "fd00::1" }, filter: { sourceIp: ["fd00::1"] } },
    { init: { to: "world" }, filter: { destinationIdentity: [2], destinationLabel: ["reserved:world"] } },
    { init: { to: "api.example.com:443" }, filter: { destinationFqdn: ["*.example.com"] } },
    { init: { verdict: "DROPPED" }, filter: { verdict: [Verdict.DROPPED], eventType: [{ type: 1 }] } },
    { init: { verdict: Verdict.AUDIT }, filter: { verdict: [Verdict.AUDIT] } },
    { init: { from: "default/web" }, filter: { sourceLabel: ["app=web"] } },
    { init: { isReply: true }, filter: { reply: [true] } },
    { init: { source: { podName: "mine" } }, filter: { sourcePod: ["/mine"] } },
    { init: { protocol: "ICMPv4" }, filter: { protocol: ["icmpv4"] } },
  ] as const)("$init is matched by $filter", ({ init, filter }) => {
    expect(compileFlowFilter(filter as never)(flow(init as never))).toBe(true);
  });

  test("the same names give the same flow", () => {
    expect(flow({ from: "a/b", to: "c/d" })).toEqual(flow({ from: "a/b", to: "c/d" }));
  });

  test.each(["", "[::1", "a:b:c", "x:99999"])("%j is no endpoint", (from) => {
    expect(() => flow({ from })).toThrow(TypeError);
  });
});

describe("fakeRecorder", () => {
  test("records what is pushed, at its own time", async () => {
    const clock = fakeClock(5000);
    const recorder = fakeRecorder({ clock });
    const recording = recordRemote(recorder.transport, {
      ...WANTED,
      stopCondition: { timeElapsed: { seconds: 60n } },
    });
    await recording.started;
    recorder.push({ bytes: packetBytes({ id: 1 }) }, { bytes: packetBytes({ id: 2, matches: false }) });
    recorder.lose(4);
    for await (const { packetsCaptured } of recording.updates)
      if (packetsCaptured === 1) clock.advance(60_000);
    const { stats, filePath } = await recording.stopped;
    expect(stats).toEqual({ packetsCaptured: 1, bytesCaptured: 46, packetsLost: 4, bytesLost: 0 });
    expect(filePath).toBe("/fake/hubble_5_1_default_fake-node.pcap");
    const [file] = recorder.recordings;
    expect(file).toMatchObject({
      filePath,
      isClosed: true,
      start: { include: [{ sourceCidr: "10.0.0.0/8" }] },
    });
    let packets = 0;
    for await (const batch of await decodeCapture(file!.bytes)) packets += batch.length;
    expect(packets).toBe(1);
    expect(recorder.service.counters).toMatchObject({ stopped: 1, running: 0 });
  });

  test("fails as a source does", async () => {
    const recorder = fakeRecorder();
    const recording = recordRemote(recorder.transport, WANTED);
    await recording.started;
    recorder.fail(new Error("gone"));
    await expect(recording.stopped).rejects.toMatchObject({
      status: "INTERNAL",
      message: "recorder recording error: gone",
    });
    expect(recorder.recordings[0]?.isClosed).toBe(true);
  });
});

test("a fake recorder lets go of a client that gives up", async () => {
  const recorder = fakeRecorder({ limits: { maxRecordings: 1 } });
  for (let round = 0; round < 3; round++) {
    const controller = new AbortController();
    const recording = recordRemote(recorder.transport, WANTED, { signal: controller.signal });
    await recording.started;
    controller.abort(new Error("enough"));
    await expect(recording.stopped).rejects.toThrow("enough");
    while (recorder.service.counters.running > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await recorder.service.shutdown();
  expect(recorder.service.counters).toMatchObject({ calls: 0, failed: 3 });
});

test.each([{ verdict: "NOPE" }, { verdict: "dropped" }, { protocol: "udp" }])(
  "a flow of %o is refused, not taken for another",
  (init) => {
    // @ts-expect-error no such value
    expect(() => flow(init)).toThrow(TypeError);
  },
);

import { describe, expect, test } from "vitest";
import { compileFlowFilter } from "../../src/filter/index.js";
import { Verdict } from "../../src/gen/flow/flow_pb.js";
import { parseAddress, parsePrefix, prefixContains } from "../../src/net/index.js";
import { formatFlow } from "../../src/observer/index.js";
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
    { init: { tcpFlags: ["SYN", "ACK"] }, filter: { tcpFlags: [{ SYN: true, ACK: true }] } },
    { init: { tcpFlags: ["RST"] }, filter: { tcpFlags: [{ RST: true }] } },
    {
      init: { http: { method: "POST", url: "http://cart/add?id=1", headers: { "X-Id": "1" } } },
      filter: { httpMethod: ["post"], httpPath: ["^/add$"], httpHeader: [{ key: "X-Id", value: "1" }] },
    },
    {
      init: { http: { code: 503 } },
      filter: { httpStatusCode: ["5+"], reply: [true], eventType: [{ type: 129 }] },
    },
    {
      init: { dns: { query: "example.com." } },
      filter: { dnsQuery: ["^example"], protocol: ["dns", "udp"], destinationPort: ["53"] },
    },
    {
      init: { dns: { query: "example.com.", ips: ["192.0.2.1"] } },
      filter: { reply: [true], sourcePort: ["53"] },
    },
    {
      init: { from: "fd00::1", to: "world" },
      filter: { sourceIp: ["fd00::1"], destinationIp: ["2001:db8::/32"] },
    },
    { init: { from: "fd00::1", to: "default/web" }, filter: { destinationIp: ["fd00::/8"] } },
  ] as const)("$init is matched by $filter", ({ init, filter }) => {
    expect(compileFlowFilter(filter as never)(flow(init as never))).toBe(true);
  });

  test("returns the same flow for the same names", () => {
    expect(flow({ from: "a/b", to: "c/d" })).toEqual(flow({ from: "a/b", to: "c/d" }));
  });

  test.each(["", "[::1", "a:b:c", "x:99999"])("rejects %j as an endpoint", (from) => {
    expect(() => flow({ from })).toThrow(TypeError);
  });
});

describe("flow: application protocols print as in Hubble", () => {
  test.each([
    {
      init: { http: { url: "http://cart/" } },
      text: "default/client:40000 (ID:11892) -> default/server:80 (ID:11008) http-request FORWARDED (HTTP/1.1 GET http://cart/)",
    },
    {
      init: { http: { url: "http://cart/", code: 200, latencyMs: 3 } },
      text: "default/client:40000 (ID:11892) <- default/server:80 (ID:11008) http-response FORWARDED (HTTP/1.1 200 3ms (GET http://cart/))",
    },
    {
      init: { dns: { query: "a.example.", qtypes: ["AAAA"] } },
      text: "dns-request proxy FORWARDED (DNS Query a.example. AAAA)",
    },
    {
      init: { dns: { query: "a.example.", ips: ["192.0.2.1", "192.0.2.2"], cnames: ["b."] } },
      text: 'dns-response proxy FORWARDED (DNS Answer "192.0.2.1,192.0.2.2" CNAMEs: "b." TTL: 30 (Proxy a.example. A))',
    },
    {
      init: { dns: { query: "a.example.", rcode: 3, ttl: 4294967295 } },
      text: "(DNS Answer RCode: Non-Existent Domain TTL: 4294967295 (Proxy a.example. A))",
    },
    { init: { dns: { query: "a.example.", rcode: 0 } }, text: "(DNS Answer  TTL: 30 (Proxy a.example. A))" },
    { init: { http: {}, verdict: "DROPPED" }, text: "http-request DROPPED (HTTP/1.1 GET http://server/)" },
    { init: { tcpFlags: ["FIN", "ACK"] }, text: "to-endpoint FORWARDED (TCP Flags: ACK, FIN)" },
  ] as const)("$text", ({ init, text }) => {
    expect(formatFlow(flow(init))).toContain(text);
  });
});

describe("flow: names outside the cluster have addresses for documentation", () => {
  test.each(["world", "host", "kube-apiserver", "api.example.com", "www.example.org", "x.example"])(
    "%s",
    (name) => {
      const ipv4 = flow({ to: name }).IP?.destination ?? "";
      expect(ipv4).toMatch(/^(192\.0\.2|198\.51\.100|203\.0\.113)\.([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])$/);
      const ipv6 = flow({ from: "fd00::1", to: name }).IP?.destination ?? "";
      expect(prefixContains(parsePrefix("2001:db8::/32")!, parseAddress(ipv6)!)).toBe(true);
    },
  );
});

describe("flow: names the invalid argument", () => {
  test.each([
    { init: { verdict: "alow" }, message: 'not "alow"; did you mean FORWARDED?' },
    { init: { verdict: "dropped" }, message: 'not "dropped"; did you mean DROPPED?' },
    { init: { verdict: "deny" }, message: "did you mean DROPPED?" },
    { init: { verdict: "NOPE" }, message: "flow: init.verdict must be one of VERDICT_UNKNOWN, FORWARDED" },
    {
      init: { protocol: "udp" },
      message: "flow: init.protocol must be one of TCP, UDP, SCTP, ICMPv4, ICMPv6, not udp",
    },
    { init: { tcpFlags: ["SIN"] }, message: "flow: init.tcpFlags[0] must be one of FIN, SYN" },
    {
      init: { tcpFlags: ["SYN"], protocol: "UDP" },
      message: 'flow: init.tcpFlags needs the protocol TCP, not "UDP"',
    },
    { init: { http: {}, protocol: "UDP" }, message: "flow: init.http needs the protocol TCP" },
    { init: { http: {}, dns: { query: "a" } }, message: "flow: init.dns cannot be given together with http" },
    {
      init: { http: { cod: 200 } },
      message: "flow: init.http.cod not an option of http; did you mean code?",
    },
    { init: { dns: {} }, message: "flow: init.dns.query is required" },
  ])("$message", ({ init, message }) => {
    expect(() => flow(init as never)).toThrow(
      expect.objectContaining({ name: "TypeError", message: expect.stringContaining(message) }),
    );
  });
});

describe("fakeRecorder", () => {
  test("records pushed packets with the time of its clock", async () => {
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

  test("records a request in protobuf JSON", async () => {
    const recorder = fakeRecorder();
    const recording = recordRemote(recorder.transport, {
      include: [{ sourceCidr: "10.0.0.0/8", destinationCidr: "0.0.0.0/0", protocol: "PROTOCOL_UDP" }],
      stopCondition: { packetsCapturedCount: "1" },
    });
    await recording.started;
    recorder.push({ bytes: packetBytes({ id: 1 }) });
    const { stats } = await recording.stopped;
    expect(stats.packetsCaptured).toBe(1);
    expect(recorder.recordings[0]?.start).toMatchObject({ include: [{ protocol: 17 }] });
  });

  test("fail: fails the source of a recording", async () => {
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

test("fakeRecorder: releases the recording of a client that cancels", async () => {
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

test.each([{ verdict: "NOPE" }, { verdict: "dropped" }, { protocol: "udp" }])("flow: rejects %o", (init) => {
  // @ts-expect-error an unknown value
  expect(() => flow(init)).toThrow(TypeError);
});

test.each([
  { from: "a:99999", message: 'not an endpoint: "a:99999"; ports are at most 65535' },
  { from: "10.0.0.0/8", message: 'not an endpoint: "10.0.0.0/8"; an endpoint has one address, not a prefix' },
  { from: "a/b/c", message: 'not an endpoint: "a/b/c"; a pod is NAMESPACE/NAME' },
  { from: "a/", message: 'not an endpoint: "a/"; a pod is NAMESPACE/NAME' },
])("flow: rejects the endpoint $from", ({ from, message }) => {
  expect(() => flow({ from })).toThrow(new TypeError(message));
});

test("flow: rejects an invalid Date", () => {
  expect(() => flow({ time: new Date(Number.NaN) })).toThrow(/^flow: init\.time must be a valid Date/);
});

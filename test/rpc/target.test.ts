import { describe, expect, test } from "vitest";
import { openTransport, parseTarget } from "../../src/rpc/index.js";

describe("parseTarget", () => {
  test.each([
    ["unix:///var/run/cilium/hubble.sock", { kind: "unix", path: "/var/run/cilium/hubble.sock" }],
    ["unix:/run/x", { kind: "unix", path: "/run/x" }],
    ["unix:x.sock", { kind: "unix", path: "x.sock" }],
    ["localhost:4245", { kind: "tcp", host: "localhost", port: 4245, tls: false }],
    ["relay", { kind: "tcp", host: "relay", port: 443, tls: false }],
    ["tls://relay:4245", { kind: "tcp", host: "relay", port: 4245, tls: true }],
    ["tls://relay", { kind: "tcp", host: "relay", port: 443, tls: true }],
    ["[::1]:4245", { kind: "tcp", host: "::1", port: 4245, tls: false }],
    ["dns:///relay:80", { kind: "tcp", host: "relay", port: 80, tls: false }],
    ["dns:relay:80", { kind: "tcp", host: "relay", port: 80, tls: false }],
  ])("%s", (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  test.each([
    "",
    ":80",
    "a b:1",
    "host:x",
    "host:65536",
    "::1",
    "[::1",
    "[x]:1",
    "http://host:1",
    "unix:",
    "unix://host/x",
    "unix:a\0b",
    `unix:///${"x".repeat(107)}`,
    "user@host:1",
    "host:1/path",
    "tls://",
  ])("rejects %j", (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: "invalid_target" }));
  });
});

test.each([
  ["http://host:80", "write host:80"],
  ["http://host:80/path", "write host:80"],
  ["HTTPS://host", "write tls://host"],
  ["grpcs://host:443", "write tls://host:443"],
  ["passthrough:///host:1", "write host:1"],
  ["ftp://host", "expected host:port, tls://host:port or unix:///path"],
  ["http://", "expected host:port, tls://host:port or unix:///path"],
])("parseTarget: rejects the unknown scheme of %s", (text, advice) => {
  expect(() => parseTarget(text)).toThrow(`invalid server address "${text}": unknown scheme; ${advice}`);
});

test("openTransport: rejects a password without TLS", () => {
  const basicAuth = { username: "a", password: "b" };
  expect(() => openTransport("relay:80", { basicAuth })).toThrow(
    expect.objectContaining({ code: "invalid_target" }),
  );
  expect(() => openTransport("unix:///x", { basicAuth })).not.toThrow();
  expect(() => openTransport("tls://relay", { basicAuth })).not.toThrow();
});

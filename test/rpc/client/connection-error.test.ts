import { describe, expect, test } from "vitest";
import { connectionError } from "../../../src/rpc/client/connection-error.js";
import { openTransport, serverStatus } from "../../../src/rpc/index.js";
import { temporaryFolder } from "../../sink/folder.js";

function textOf(error: Error): string {
  return connectionError({
    tls: undefined,
    isConnected: false,
    error,
    isHttp2: false,
    firstBytes: new Uint8Array(0),
    isClosedByServer: false,
    goaway: undefined,
  }).message;
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

describe("connectionError: describes system errors", () => {
  test.each([
    ["ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1", "connection refused: no server is listening there"],
    ["ENOENT", "connect ENOENT /a.sock", "no such socket: the server is not running, or listens elsewhere"],
    [
      "EACCES",
      "connect EACCES /a.sock",
      "permission denied; run as a member of the group that owns the socket",
    ],
    ["ENOTFOUND", "getaddrinfo ENOTFOUND x", "unknown host name"],
    ["ETIMEDOUT", "connect ETIMEDOUT 10.0.0.1:1", "the host did not answer in time"],
  ])("%s", (code, message, words) => {
    expect(textOf(systemError(code, message))).toBe(`${words} (${message})`);
  });

  test("errors of all addresses of a name", () => {
    const refused = ["::1:1", "127.0.0.1:1"].map((address) =>
      systemError("ECONNREFUSED", `connect ECONNREFUSED ${address}`),
    );
    expect(textOf(new AggregateError(refused))).toBe(
      "connection refused: no server is listening there (connect ECONNREFUSED ::1:1); " +
        "connection refused: no server is listening there (connect ECONNREFUSED 127.0.0.1:1)",
    );
  });

  test("other errors with Node's message", () => {
    expect(textOf(systemError("EMFILE", "connect EMFILE"))).toBe("connect EMFILE");
  });
});

test("serverStatus: describes the error of a missing socket", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/none.sock`;
  await using transport = openTransport(`unix://${path}`);
  await expect(serverStatus(transport)).rejects.toMatchObject({
    status: "UNAVAILABLE",
    message: `no such socket: the server is not running, or listens elsewhere (connect ENOENT ${path})`,
  });
});

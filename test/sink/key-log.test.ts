import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openKeyLog } from "../../src/sink/key-log.js";
import { fakeClock } from "../support/fake-clock.js";

const FIRST = "# comment\nCLIENT_RANDOM 00ff 11\n\n";
const SECOND = "SERVER_HANDSHAKE_TRAFFIC_SECRET aa BB\r\nRSA Session-ID:00 Master-Key:11\n";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-keys-"));
  path = join(folder, "keys.log");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("openKeyLog", () => {
  const texts = (keys: ReturnType<typeof openKeyLog>) =>
    keys.secrets().map(({ type, bytes }) => `${type}: ${Buffer.from(bytes).toString()}`);

  test("reads the file, and later what is added, at most once in 10 ms", () => {
    const clock = fakeClock();
    writeFileSync(path, FIRST);
    using keys = openKeyLog(path, { clock });
    expect(texts(keys)).toEqual([`TLS Key Log: ${FIRST}`]);
    appendFileSync(path, SECOND);
    expect(texts(keys)).toHaveLength(1);
    clock.advance(1000);
    expect(texts(keys)).toEqual([`TLS Key Log: ${FIRST}`, `TLS Key Log: ${SECOND}`]);
    clock.advance(1000);
    expect(texts(keys)).toHaveLength(2);
    expect(keys.fault).toBeUndefined();
  });

  test("has no secrets for an empty file until some are added", () => {
    const clock = fakeClock();
    writeFileSync(path, "");
    using keys = openKeyLog(path, { clock });
    expect(texts(keys)).toEqual([]);
    appendFileSync(path, FIRST);
    clock.advance(1000);
    expect(texts(keys)).toEqual([`TLS Key Log: ${FIRST}`]);
  });

  test("reads a last line without newline at the start, and again when it is complete", () => {
    const clock = fakeClock();
    writeFileSync(path, `${FIRST}CLIENT_RANDOM 00 11`);
    using keys = openKeyLog(path, { clock });
    expect(texts(keys)).toEqual([`TLS Key Log: ${FIRST}CLIENT_RANDOM 00 11`]);
    appendFileSync(path, "22\nCLIENT_RAN");
    clock.advance(1000);
    expect(texts(keys)[1]).toBe("TLS Key Log: CLIENT_RANDOM 00 1122\n");
    clock.advance(1000);
    expect(texts(keys)).toHaveLength(2);
  });

  test("leaves out later lines that are not those of a key log", () => {
    const clock = fakeClock();
    writeFileSync(path, FIRST);
    using keys = openKeyLog(path, { clock });
    appendFileSync(path, `-----BEGIN PRIVATE KEY-----\n${SECOND}`);
    clock.advance(1000);
    expect(texts(keys)).toEqual([`TLS Key Log: ${FIRST}`, `TLS Key Log: ${SECOND}`]);
    expect(keys.fault).toBe("lines that are not of a TLS key log were left out");
  });

  test("stops following a file that is truncated, and says so", () => {
    const clock = fakeClock();
    writeFileSync(path, FIRST);
    using keys = openKeyLog(path, { clock });
    truncateSync(path, 0);
    clock.advance(1000);
    expect(texts(keys)).toHaveLength(1);
    expect(keys.fault).toBe(`${path}: was truncated`);
  });

  test.each<[what: string, contents: string | undefined, message: string]>([
    ["a missing file", undefined, "ENOENT: no such file or directory"],
    ["a private key", "-----BEGIN PRIVATE KEY-----\nabc\n", "line 1 is not a line of a TLS key log"],
    ["a later line", `${FIRST}password=1\n`, "line 4 is not a line of a TLS key log"],
  ])("rejects %s", (_, contents, message) => {
    if (contents !== undefined) writeFileSync(path, contents);
    expect(() => openKeyLog(path)).toThrow(`${path}: ${message}`);
  });

  test("rejects a file above 16 MiB", () => {
    writeFileSync(path, "");
    truncateSync(path, 16 * 1024 * 1024 + 1);
    expect(() => openKeyLog(path)).toThrow(`${path}: is longer than`);
  });

  test("rejects unknown options", () => {
    expect(() => openKeyLog(path, { interval: 1 } as object)).toThrow("interval");
  });
});

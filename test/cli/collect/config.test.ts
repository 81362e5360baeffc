import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { configIssues } from "../../../src/cli/collect/config.js";
import { parseConfig } from "../../../src/cli/collect/config-file.js";
import { runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-collect-"));
afterAll(() => rmSync(folder, { recursive: true }));

function configFile(text: string): string {
  const path = join(folder, "collect.yaml");
  writeFileSync(path, text);
  return path;
}

const VALID = `source:
  observer: { server: localhost:4245 }
outputs:
  - name: drops
    allow: [{ verdict: [DROPPED] }]
    file: { path: drops.jsonl }
`;

/** The faults that --check prints, without the path of the file. */
async function faultsOf(text: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const path = configFile(text);
  const { code, err } = await runFake(["collect", "--config", path, "--check"], { env });
  expect(code).toBe(2);
  return err
    .split("\n")
    .filter((line) => line.startsWith(path))
    .map((line) => line.slice(path.length + 1));
}

describe("collect --check", () => {
  test("accepts a valid configuration, in YAML and in JSON", async () => {
    const path = configFile(VALID);
    expect(await runFake(["collect", "--config", path, "--check"])).toMatchObject({
      code: 0,
      out: `${path}: valid\n`,
    });
    const json = { source: { observer: { server: "a:1" } }, outputs: [{ name: "a", stdout: {} }] };
    expect((await runFake(["collect", "--config", configFile(JSON.stringify(json)), "--check"])).code).toBe(
      0,
    );
  });

  test("accepts flowLogs as in Hubble's configuration of the dynamic exporter", async () => {
    const path = configFile(`source: { observer: { server: "a:1" } }
flowLogs:
  - name: dns
    filePath: /var/run/dns.log
    includeFilters: [{ destination_port: ["53"] }]
    fieldMask: [time, source]
    end: 2030-01-01T00:00:00Z
`);
    expect((await runFake(["collect", "--config", path, "--check"])).code).toBe(0);
  });

  test("prints every fault with its line and column", async () => {
    expect(
      await faultsOf(`source:
  observer: { server: localhost:4245, retries: 3 }
outputs:
  - name: a
    allow: [{ source_ip: [10.0.0.0/99] }]
    fieldMask: [no_such]
    file: { path: a.jsonl, fileMaxSizeMb: 0 }
    stdout: {}
  - name: a
checkpointInterval: soon
`),
    ).toEqual([
      expect.stringMatching(/^2:\d+: source\.observer\.retries: /),
      expect.stringMatching(/^7:\d+: outputs\[0\]\.file\.fileMaxSizeMb: /),
      '10:21: checkpointInterval: must be a duration such as 30s, not "soon"',
      "4:5: outputs[0]: has file and stdout; only one can be used",
      expect.stringMatching(/^5:\d+: outputs\[0\]\.allow\[0\]\.source_ip\[0\]: /),
      expect.stringMatching(/^6:\d+: outputs\[0\]\.fieldMask/),
      "9:11: outputs[1].name: is used twice: a",
      "9:5: outputs[1]: needs a sink: one of file, jetstream, kafka, http, otlp, metrics, stdout",
    ]);
  });

  test("reports syntax errors of YAML, and keys that occur twice, with their lines", async () => {
    expect(await faultsOf("source: [\n")).toEqual([expect.stringMatching(/^2:1: /)]);
    expect(await faultsOf("source: 1\nsource: 2\n")).toEqual([expect.stringMatching(/^2:1: .*unique/)]);
  });

  test("refuses secrets in the file, and reports missing ones without their value", async () => {
    const secret = (value: string) => `source:
  observer: { server: "tls://a:1", basicAuthUsername: me, basicAuthPassword: ${value} }
outputs: [{ name: a, stdout: {} }]
`;
    expect(await faultsOf(secret("hunter2"))).toEqual([
      expect.stringMatching(/basicAuthPassword: must be `\{ env: NAME \}` or `\{ file: PATH \}`/),
    ]);
    expect((await faultsOf(secret("hunter2"))).join()).not.toContain("hunter2");
    expect(await faultsOf(secret("{ env: HUBBLE_PASSWORD }"))).toEqual([
      expect.stringMatching(/the environment variable HUBBLE_PASSWORD is not set/),
    ]);
    const path = configFile(secret("{ env: HUBBLE_PASSWORD }"));
    const env = { HUBBLE_PASSWORD: "x" };
    expect((await runFake(["collect", "--config", path, "--check"], { env })).code).toBe(0);
    expect(await faultsOf(secret("{ file: /no/such/file }"))).toEqual([expect.stringMatching(/ENOENT/)]);
    expect(await faultsOf(secret("{}"))).toEqual([expect.stringMatching(/must have either env or file/)]);
  });

  test.each([
    ["", "the configuration"],
    ["- 1", "must be an object"],
    ["outputs: [{ name: a, stdout: {} }]", "source"],
    ["source: {}", "needs a source: one of observer"],
  ])("reports what is missing: %s", async (text, message) => {
    expect((await faultsOf(text)).join("\n")).toContain(
      message === "the configuration" ? "must be an object" : message,
    );
  });

  test("needs --config and no other arguments", async () => {
    expect(await runFake(["collect"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("needs --config FILE"),
    });
    expect((await runFake(["collect", "x", "--config", "y"])).code).toBe(2);
    expect((await runFake(["collect", "--config", join(folder, "none")])).err).toContain("ENOENT");
  });
});

describe("configIssues", () => {
  test("never throws, whatever the configuration is", () => {
    const keys = fc.constantFrom(
      ...["source", "observer", "outputs", "allow", "deny", "flowLogs", "file", "path", "name", "fieldMask"],
      ...["deadLetter", "retry", "redact", "headers", "verdict", "server", "basicAuthPassword"],
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown>(null, undefined, 0, -1, 1.5, "", "a", true),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(keys, tie("tree"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        for (const { path, message } of configIssues(value, { env: {} })) {
          expect(typeof path).toBe("string");
          expect(message).not.toBe("");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("parseConfig", () => {
  test("bounds what aliases can expand to", async () => {
    const bomb = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      ...["b", "c", "d", "e", "f"].map(
        (name, index) => `${name}: &${name} [${`*${"abcde"[index]},`.repeat(9)}]`,
      ),
    ].join("\n");
    await expect(parseConfig("bomb.yaml", bomb)).rejects.toThrow(/^bomb\.yaml: .*alias/i);
  });
});

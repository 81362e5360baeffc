import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { entryPoints, PackedPackage } from "../support/packed-package.js";
import { run } from "../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-koffi-"));
afterAll(() => rmSync(folder, { recursive: true }));

const packed = new PackedPackage(folder);
const withoutKoffi = packed.install("without-koffi", { args: ["--omit=optional"] });
const withoutBuild = packed.install("without-build");
rmSync(join(withoutBuild, "node_modules/@koromix"), { recursive: true, force: true });

const CASES = [
  {
    title: "installed with --omit=optional",
    project: withoutKoffi,
    message: /need the package koffi, an optional dependency that is not installed: npm install koffi/,
  },
  {
    title: "on a platform that koffi has no build for",
    project: withoutBuild,
    message: new RegExp(`has no working build for ${process.platform} on ${process.arch}`),
  },
];

const CALLS = [
  { entryPoint: "flowscribe/source/libpcap", call: `openLibpcap("lo")` },
  { entryPoint: "flowscribe/source/libpcap", call: `compileExpression("tcp", 1)` },
  { entryPoint: "flowscribe/source/libpcap", call: "listDevices()" },
  { entryPoint: "flowscribe/source/ebpf", call: `openEbpf("lo")` },
  { entryPoint: "flowscribe/source/packet-socket", call: `openPacketSocket("lo")` },
];

/** Those that can be imported without prom-client, an optional peer dependency. */
const imported = entryPoints.filter((entryPoint) => entryPoint !== "flowscribe/metrics");

function runProgram(project: string, program: string): string {
  writeFileSync(join(project, "program.js"), program);
  return run(process.execPath, ["program.js"], { cwd: project });
}

describe("the package without its optional peer dependencies", () => {
  test.each([
    {
      entryPoint: "flowscribe/nats",
      call: `openJetStreamSink({ servers: "127.0.0.1:1", subject: "a" })`,
      name: "@nats-io/transport-node",
    },
    {
      entryPoint: "flowscribe/kafka",
      call: `openKafkaSink({ brokers: ["127.0.0.1:1"], topic: "a" })`,
      name: "kafkajs",
    },
  ])("$call rejects with package_missing and the next step", ({ entryPoint, call, name }) => {
    const program = `
      import * as module from "${entryPoint}";
      try { await module.${call}; console.log("no error"); }
      catch (error) { console.log(error.code, error.message); }`;
    const printed = runProgram(withoutKoffi, program);
    expect(printed).toMatch(/^package_missing /);
    expect(printed).toContain(`npm install ${name}`);
  });
});

describe("npm install --omit=optional", () => {
  test("installs no native code", () => {
    expect(readdirSync(join(withoutKoffi, "node_modules"))).not.toContain("koffi");
    expect(readdirSync(join(withoutKoffi, "node_modules"))).not.toContain("@koromix");
  });
});

describe("npm install without prom-client", () => {
  test("fails to import flowscribe/metrics with the name of the package", () => {
    const program = `console.log(await import("flowscribe/metrics").catch(({ code, message }) => code + message));`;
    expect(runProgram(withoutKoffi, program)).toMatch(/^ERR_MODULE_NOT_FOUND.*'prom-client'/);
  });
});

describe.each(CASES)("the package $title", ({ project, message }) => {
  test("imports and requires every entry point", () => {
    const program = `
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      for (const entryPoint of ${JSON.stringify(imported)}) {
        const isSame = require(entryPoint) === (await import(entryPoint));
        console.log(entryPoint, isSame);
      }`;
    const printed = runProgram(project, program);
    expect(printed).toBe(imported.map((entryPoint) => `${entryPoint} true\n`).join(""));
  });

  test.each(CALLS)("$call rejects with capture_unavailable and the next step", ({ entryPoint, call }) => {
    const program = `
      import * as module from "${entryPoint}";
      try { await module.${call}; console.log("no error"); }
      catch (error) { console.log(error.code, error.message); }`;
    const printed = runProgram(project, program);
    expect(printed).toMatch(/^capture_unavailable /);
    expect(printed).toMatch(message);
  });

  test("flowscribe record reads from a file", () => {
    const capture = "node_modules/flowscribe/examples/captures/sample.pcap";
    run("node_modules/.bin/flowscribe", ["record", "-r", capture, "-w", "copy.pcap"], { cwd: project });
    expect(readdirSync(project)).toContain("copy.pcap");
  });

  test("flowscribe record on a device fails with the same message", () => {
    expect(() =>
      run("node_modules/.bin/flowscribe", ["record", "-i", "lo", "-w", "live.pcap"], { cwd: project }),
    ).toThrow(message);
  });
});

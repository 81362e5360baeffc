import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { entryPoints, PackedPackage } from "../support/packed-package.js";
import { repository } from "../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-types-"));
afterAll(() => rmSync(folder, { recursive: true }));

// The declarations must not need those of koffi, which is optional.
const project = new PackedPackage(folder).install("project", { args: ["--omit=optional"], peers: true });

interface Settings {
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

/** Uses the global types that the declarations refer to. */
const PROGRAM = `
import type { PacketSource } from "flowscribe/packet";
import { record, type RecordOptions } from "flowscribe/recorder";

export async function recordAndDispose(source: PacketSource, options: RecordOptions): Promise<string> {
  const disposable: AsyncDisposable = source;
  const { reason } = await record(source, { filesink: { filePrefix: "a" } }, options).stopped;
  await source[Symbol.asyncDispose]();
  const disposed: PromiseLike<void> = disposable[Symbol.asyncDispose]();
  await disposed;
  return reason;
}
`;

/** Compiles a program that imports these entry points; returns the compiler's messages, one per line. */
function compile(name: string, imported: readonly string[], { lib, types }: Settings): string[] {
  const cwd = join(project, name);
  mkdirSync(cwd);
  const imports = imported.map((entryPoint, index) => `export * as m${index} from "${entryPoint}";\n`);
  writeFileSync(join(cwd, "index.ts"), `${imports.join("")}${PROGRAM}`);
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    lib,
    types,
    typeRoots: [join(repository, "node_modules/@types")],
  };
  writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
  const tsc = join(repository, "node_modules/typescript/bin/tsc");
  const { stdout, error } = spawnSync(process.execPath, [tsc, "-p", ".", "--pretty", "false"], {
    cwd,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return stdout.split("\n").filter((line) => line !== "");
}

const except = (...names: string[]) => entryPoints.filter((entryPoint) => !names.includes(entryPoint));

/** Entry points whose declarations import types of Node. */
const NODE = [
  "flowscribe/metrics",
  "flowscribe/sink/export",
  "flowscribe/sink/http",
  "flowscribe/otlp",
  "flowscribe/rpc",
];

describe("the shipped declarations, with skipLibCheck: false,", () => {
  test.each([
    {
      name: "lib es2022",
      lib: ["es2022"],
      types: [],
      // These import types of Node, or of Connect, which refers to HeadersInit.
      imported: except(...NODE, "flowscribe/testing"),
    },
    {
      name: "lib es2022 and dom",
      lib: ["es2022", "dom"],
      types: [],
      imported: except(...NODE),
    },
    {
      name: "lib es2022 and dom, and types of Node",
      lib: ["es2022", "dom"],
      types: ["node"],
      imported: entryPoints,
    },
    {
      name: "lib es2022, dom and esnext.disposable, and types of Node",
      lib: ["es2022", "dom", "esnext.disposable"],
      types: ["node"],
      imported: entryPoints,
    },
    {
      name: "lib esnext and webworker",
      lib: ["esnext", "webworker"],
      types: [],
      imported: except(...NODE),
    },
  ])("compile with $name", ({ name, lib, types, imported }) => {
    expect(compile(name.replaceAll(/\W+/g, "-"), imported, { lib, types })).toEqual([]);
  });

  test("compile with types of Node and without dom, except for HeadersInit in Connect", () => {
    const messages = compile("connect", entryPoints, { lib: ["es2022"], types: ["node"] });
    expect(messages.filter((line) => !/@connectrpc\/connect\/.*'HeadersInit'/.test(line))).toEqual([]);
  });
});

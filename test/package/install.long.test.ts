import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { docExamples, expectedOutput } from "../support/doc-examples.js";
import { entryPoints, manifest, PackedPackage } from "../support/packed-package.js";
import { run } from "../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-install-"));
afterAll(() => rmSync(folder, { recursive: true }));

const packed = new PackedPackage(folder);
const esm = packed.install("esm", { type: "module", peers: true });
const commonJs = packed.install("commonjs", { type: "commonjs", peers: true });

/** The folder of the captures in a project that has installed the package, according to README. */
const CAPTURES = "node_modules/flowscribe/examples/captures";

function runProgram(project: string, program: string, fileName = "program.js"): string {
  writeFileSync(join(project, fileName), program);
  return run(process.execPath, ["--throw-deprecation", fileName], { cwd: project });
}

/** Converts the program to CommonJS: README contains ES modules, which use top-level `await`. */
function toCommonJs(program: string): string {
  const requires = program.replaceAll(
    /^import \{(.*)\} from ("[^"]+");$/gm,
    (_, names: string, module: string) => `const {${names.replaceAll(" as ", ": ")}} = require(${module});`,
  );
  return `(async () => {\n${requires}\n})();`;
}

describe("the installed package in an ES module project", () => {
  test.each(entryPoints)("imports %s", (entryPoint) => {
    expect(runProgram(esm, `console.log(Object.keys(await import("${entryPoint}")).length > 0);`)).toBe(
      "true\n",
    );
  });

  test.each(docExamples("README.md"))("$name runs and prints the documented output", ({ program }) => {
    const printed = runProgram(esm, program.replaceAll("examples/captures", CAPTURES));
    for (const expected of expectedOutput(program)) expect(printed).toMatch(expected);
  });

  test("exports package.json", () => {
    const program = `import manifest from "flowscribe/package.json" with { type: "json" }; console.log(manifest.version);`;
    expect(runProgram(esm, program)).toContain(manifest.version);
  });
});

describe("the installed package in a CommonJS project", () => {
  test.each(entryPoints)("requires %s", (entryPoint) => {
    expect(runProgram(commonJs, `console.log(Object.keys(require("${entryPoint}")).length > 0);`)).toBe(
      "true\n",
    );
  });

  test.each(docExamples("README.md"))(
    "$name runs with require and prints the documented output",
    ({ program }) => {
      const printed = runProgram(commonJs, toCommonJs(program).replaceAll("examples/captures", CAPTURES));
      for (const expected of expectedOutput(program)) expect(printed).toMatch(expected);
    },
  );

  test("ES modules and CommonJS share the same classes", () => {
    const program = `
      import { createRequire } from "node:module";
      import { FlowscribeError } from "flowscribe";
      console.log(createRequire(import.meta.url)("flowscribe").FlowscribeError === FlowscribeError);`;
    expect(runProgram(commonJs, program, "program.mjs")).toBe("true\n");
  });
});

describe("the installed program", () => {
  const flowscribe = (...args: string[]) => run("node_modules/.bin/flowscribe", args, { cwd: esm });

  test("flowscribe --version prints the version of the package", () => {
    expect(flowscribe("--version")).toBe(`flowscribe v${manifest.version}\n`);
  });

  test("flowscribe observe prints the flows of the bundled capture", () => {
    const printed = flowscribe("observe", "--port", "53", "--protocol", "udp", join(CAPTURES, "sample.pcap"));
    expect(printed.trim().split("\n").length).toBeGreaterThan(10);
    expect(printed).toMatch(/:53 .*UDP/);
  });

  test("flowscribe record writes the packets of the bundled capture", () => {
    flowscribe("record", "-r", join(CAPTURES, "sample.pcap"), "-w", "copy.pcap");
    expect(readdirSync(esm)).toContain("copy.pcap");
  });
});

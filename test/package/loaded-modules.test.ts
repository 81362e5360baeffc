import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { bundledFiles } from "../support/bundle.js";
import { repository } from "../support/run.js";

// What is loaded decides how long an import or a command takes. These tables change only on purpose.

const folder = mkdtempSync(join(tmpdir(), "flowscribe-loaded-"));
afterAll(() => rmSync(folder, { recursive: true }));

const dist = pathToFileURL(join(repository, "dist/")).href;

interface Loaded {
  /** Packages in loaded files of dist/, or loaded themselves. */
  readonly packages: readonly string[];
  /** Folders of src/ with code in loaded files of dist/. */
  readonly folders: readonly string[];
  /** Modules of Node that the package imports. */
  readonly builtins: readonly string[];
  readonly files: number;
}

let runs = 0;

/** Runs Node and returns what it has loaded. */
function loadedBy(...args: readonly string[]): Loaded {
  const list = join(folder, String(runs++));
  const recorder = pathToFileURL(join(repository, "test/support/record-loads.mjs")).href;
  // Not through a pipe: the program watches whether its reader is there, with packages that it loads after a while.
  execFileSync(process.execPath, ["--import", recorder, ...args], {
    cwd: repository,
    env: { ...process.env, LOADED_MODULES: list },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const urls = [...new Set(readFileSync(list, "utf8").trim().split("\n"))];
  const files = urls.filter((url) => url.startsWith(dist)).map((url) => url.slice(dist.length));
  const bundled = bundledFiles();
  const modules = files.flatMap((file) => bundled[file]?.modules ?? []);
  return {
    packages: sorted(
      [...modules, ...urls].map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]),
    ),
    folders: sorted(modules.map((path) => /^src\/([^/]+)\//.exec(path)?.[1])),
    builtins: sorted(urls.map((url) => /^node:.*/.exec(url)?.[0])),
    files: files.length,
  };
}

function sorted(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

const LOW = ["async", "bytes", "errors", "go", "hubble", "message", "net"];

describe("import", () => {
  test.each([
    ["net", [], LOW],
    ["packet", [], [...LOW, "packet"]],
    ["pcap", [], [...LOW, "packet", "pcap"]],
    ["cel", ["@bufbuild/protobuf", "re2js"], [...LOW, "cel", "gen", "regex"]],
    ["filter", ["@bufbuild/protobuf", "re2js"], [...LOW, "cel", "filter", "gen", "packet", "regex"]],
    [
      "collect",
      ["@bufbuild/protobuf", "re2js"],
      [...LOW, "cel", "collect", "filter", "gen", "observer", "packet", "pcap", "recorder", "regex"],
    ],
    [
      "observer",
      ["@bufbuild/protobuf", "re2js"],
      [...LOW, "cel", "filter", "gen", "observer", "packet", "regex"],
    ],
    [
      "nats",
      ["@bufbuild/protobuf", "re2js"],
      [...LOW, "broker", "cel", "filter", "gen", "nats", "observer", "packet", "regex"],
    ],
    [
      "kafka",
      ["@bufbuild/protobuf", "re2js"],
      [...LOW, "broker", "cel", "filter", "gen", "kafka", "observer", "packet", "regex"],
    ],
    [
      "recorder",
      ["@bufbuild/protobuf", "re2js"],
      [...LOW, "cel", "filter", "gen", "packet", "pcap", "recorder", "regex"],
    ],
  ])("flowscribe/%s loads only these packages and modules", (name, packages, folders) => {
    const loaded = loadedBy("--input-type=module", "--eval", `import "flowscribe/${name}";`);
    expect(loaded).toEqual({
      packages,
      folders: [...folders].sort(),
      builtins: [],
      files: expect.any(Number),
    });
    expect(loaded.files).toBeLessThanOrEqual(12);
  });

  test("flowscribe/metrics also loads prom-client, with its modules of Node", () => {
    const loaded = loadedBy("--input-type=module", "--eval", 'import "flowscribe/metrics";');
    expect(loaded.packages).toEqual([
      ...["@bufbuild/protobuf", "@opentelemetry/api", "bintrees", "prom-client", "re2js", "tdigest"],
    ]);
    expect(loaded.folders).toEqual([...LOW, "cel", "filter", "gen", "metrics", "packet", "regex"].sort());
    expect(loaded.files).toBeLessThanOrEqual(11);
  });
});

describe("flowscribe", () => {
  const main = join(repository, "dist/cli/main.js");
  const capture = join(repository, "examples/captures/sample.pcapng");

  test("--help loads no package and no command", () => {
    const { packages, folders, files } = loadedBy(main, "--help");
    expect({ packages, folders, files }).toEqual({
      packages: [],
      folders: ["async", "bytes", "cli", "errors", "go", "observer", "sink"],
      files: 2,
    });
  });

  test.each([
    [
      "observe",
      ["observe", capture],
      [...LOW, "cli", "filter", "gen", "observer", "packet", "pcap", "rpc", "sink", "source"],
    ],
    [
      "record",
      ["record", "-r", capture, "-w", join(folder, "out.pcap")],
      [...LOW, "cli", "gen", "observer", "packet", "pcap", "recorder", "rpc", "sink", "source"],
    ],
  ])("%s of a capture loads no engine and no networking", (_, args, folders) => {
    const { packages, builtins, files, ...loaded } = loadedBy(main, ...args);
    expect(packages).toEqual(["@bufbuild/protobuf"]);
    expect(loaded.folders).toEqual([...folders].sort());
    expect(builtins.filter((name) => /^node:(http2?|https|net|tls|zlib|worker_threads)$/.test(name))).toEqual(
      [],
    );
    expect(files).toBeLessThanOrEqual(7);
  });

  test("observe loads the engines of regular expressions and CEL for filters that have them", () => {
    const { packages } = loadedBy(main, "observe", "--http-path", "/a{2,3}.*b", capture);
    expect(packages).toEqual(["@bufbuild/protobuf", "re2js"]);
    const withExpression = loadedBy(main, "observe", "--cel-expression", "true", capture);
    expect(withExpression.packages).toEqual(["@bufbuild/protobuf"]);
    expect(withExpression.files).toBeGreaterThan(loadedBy(main, "observe", capture).files);
  });
});

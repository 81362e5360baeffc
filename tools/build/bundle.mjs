// Writes the JavaScript of dist/: a file for each entry point of package.json and for the program, and the modules that
// they share in dist/shared/. `tsc` writes the declarations. Bundling has two reasons:
//
// - Node takes about half a millisecond for each file that it loads, and @bufbuild/protobuf alone has a hundred.
// - V8 does not inline constants that a module imports; the bundler does. Hot loops are up to twice as fast.
//
//   node tools/build/bundle.mjs
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { build } from "rolldown";
import { libraryChunks, programChunks } from "./chunks.mjs";
import { thirdPartyNotices } from "./notices.mjs";
import { lazyCelEngine, lazyDescriptors, lazyRe2js } from "./plugins.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const DIST = join(ROOT, "dist");
/** What each file contains and imports. Not part of the package. */
const CONTENTS = join(DIST, "bundle.json");

/**
 * Dependencies that are not in the bundle. @bufbuild/protobuf is in it: it has a hundred files, and its messages and
 * descriptors are plain objects, which any copy of the library accepts.
 */
const EXTERNAL = [
  ...[/^node:/, /^@connectrpc\//, /^@grpc\//, /^@nats-io\//],
  ...[/^kafkajs$/, /^koffi$/, /^pako$/, /^prom-client$/, /^yaml$/],
];

if (!isUpToDate()) {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const library = await bundle({
    sources: sourcesOf(Object.values(exports).flatMap((entry) => entry.default ?? [])),
    folder: "shared",
    codeSplitting: libraryChunks,
    external: [...EXTERNAL, /^re2js$/],
    plugins: [lazyDescriptors()],
  });
  // A bundle of its own, so that a command loads few files with only what it uses.
  const options = {
    sources: sourcesOf(["./dist/cli/main.js"]),
    folder: "cli",
    external: EXTERNAL,
    plugins: [lazyDescriptors(), lazyRe2js(), lazyCelEngine()],
  };
  const automatic = await bundle({ ...options, codeSplitting: true, write: false });
  const program = await bundle({ ...options, codeSplitting: programChunks(automatic) });
  // One file for each, so that a thread starts quickly.
  const workers = await bundle({
    sources: { "workers/filter-export": "src/source/filter-files/worker.ts" },
    folder: "workers",
    codeSplitting: true,
    external: EXTERNAL,
    plugins: [lazyDescriptors(), lazyRe2js()],
  });
  writeOutput([...library, ...program, ...workers]);
}

/** The sources of files of dist/, by their names there. */
function sourcesOf(files) {
  const names = files.map((file) => /^\.\/dist\/(.+)\.js$/.exec(file)[1]);
  return Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));
}

/** Bundles sources to files of dist/. What they share is written to a folder there. */
async function bundle({ sources, folder, codeSplitting, external, plugins, write = true }) {
  const { output } = await build({
    cwd: ROOT,
    write,
    input: sources,
    // The library also runs in browsers. `node` would import node:module everywhere.
    platform: "neutral",
    external,
    plugins,
    transform: { target: "node20.19" },
    treeshake: { moduleSideEffects: false },
    optimization: { inlineConst: { mode: "all", pass: 3 } },
    preserveEntrySignatures: "allow-extension",
    onLog(level, log, report) {
      // The entry point `pcap` has both formats; others load the second one when a capture needs it.
      if (log.code !== "INEFFECTIVE_DYNAMIC_IMPORT") report(level, log);
    },
    output: {
      dir: DIST,
      format: "es",
      sourcemap: true,
      // The package has the sources.
      sourcemapExcludeSources: true,
      entryFileNames: "[name].js",
      chunkFileNames: `${folder}/[name]-[hash].js`,
      // Folds constants and removes unreachable code. Names and lines stay, for stack traces.
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
      comments: { annotation: true, jsdoc: false, legal: false },
      codeSplitting,
    },
  });
  return output;
}

/** Removes what earlier builds have left, and describes the new files. */
function writeOutput(output) {
  const written = new Set(output.map(({ fileName }) => fileName));
  for (const path of readdirSync(DIST, { recursive: true }).map((path) => path.replaceAll("\\", "/"))) {
    const [, source] = /^(.+)\.d\.ts(?:\.map)?$/.exec(path) ?? [];
    const isStale =
      source === undefined
        ? /\.js(\.map)?$/.test(path) && !written.has(path)
        : !existsSync(join(ROOT, `src/${source}.ts`));
    if (isStale) rmSync(join(DIST, path));
  }
  const modules = output.flatMap(({ type, moduleIds }) => (type === "chunk" ? moduleIds : []));
  writeFileSync(join(DIST, "THIRD-PARTY-NOTICES.txt"), thirdPartyNotices(new Set(modules)));
  writeFileSync(CONTENTS, `${JSON.stringify(contents(output), undefined, 1)}\n`);
}

function contents(output) {
  const chunks = output.filter(({ type }) => type === "chunk");
  return Object.fromEntries(
    chunks.map(({ fileName, imports, dynamicImports, moduleIds }) => [
      fileName,
      { imports, dynamicImports, modules: moduleIds.map((id) => relative(ROOT, id)) },
    ]),
  );
}

/** Whether dist/ is newer than everything that it is made of. A folder changes when one of its files is removed. */
function isUpToDate() {
  if (!existsSync(CONTENTS)) return false;
  const built = statSync(CONTENTS).mtimeMs;
  const inputs = ["src", "tools/build"].flatMap((folder) => [
    folder,
    ...readdirSync(join(ROOT, folder), { recursive: true }).map((path) => join(folder, path)),
  ]);
  return ["package.json", "package-lock.json", ...inputs].every(
    (path) => statSync(join(ROOT, path)).mtimeMs < built,
  );
}

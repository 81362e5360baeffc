// Writes the JavaScript of dist/: a file for each entry point of package.json and for the program, and the modules that
// they share in dist/shared/. `tsc` writes the declarations. Bundling has two reasons:
//
// - Node takes about half a millisecond for each file that it loads, and @bufbuild/protobuf alone has a hundred.
// - V8 does not inline constants that a module imports; the bundler does. Hot loops are up to twice as fast.
//
//   node tools/build/bundle.mjs
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "rolldown";
import { sharedChunks } from "./chunks.mjs";
import { lazyDescriptors } from "./lazy-descriptors-plugin.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const DIST = join(ROOT, "dist");
/** What each file contains and imports. Not part of the package. */
const CONTENTS = join(DIST, "bundle.json");

/**
 * Not in the bundle: packages that are only loaded when they are needed. @bufbuild/protobuf and re2js are in it. Messages
 * and descriptors of protobuf-es are plain objects, which any copy of the library accepts.
 */
const EXTERNAL = [/^@connectrpc\//, /^@grpc\//, /^koffi$/, /^pako$/];

if (!isUpToDate()) await writeBundle();

async function writeBundle() {
  const { output } = await build({
    cwd: ROOT,
    input: entryPoints(),
    platform: "node",
    external: EXTERNAL,
    transform: { target: "node20.19" },
    treeshake: { moduleSideEffects: false },
    optimization: { inlineConst: { mode: "all", pass: 3 } },
    preserveEntrySignatures: "allow-extension",
    plugins: [lazyDescriptors()],
    onLog(level, log, report) {
      // The entry point `pcap` has both formats; others load the second one when a capture needs it.
      if (log.code !== "INEFFECTIVE_DYNAMIC_IMPORT") report(level, log);
    },
    output: {
      dir: DIST,
      format: "es",
      sourcemap: true,
      entryFileNames: "[name].js",
      chunkFileNames: "shared/[name]-[hash].js",
      // Folds constants and removes unreachable code. Names and lines stay, for stack traces.
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
      codeSplitting: sharedChunks,
    },
  });
  const written = new Set(output.map(({ fileName }) => fileName));
  const stale = readdirSync(DIST, { recursive: true }).filter(
    (path) => /\.js(\.map)?$/.test(path) && !written.has(path.replaceAll("\\", "/")),
  );
  for (const path of stale) rmSync(join(DIST, path));
  writeFileSync(CONTENTS, `${JSON.stringify(contents(output), undefined, 1)}\n`);
}

/** `{ "filter/index": "src/filter/index.ts", … }`, by the file in dist/ without its extension. */
function entryPoints() {
  const { exports, bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const files = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)];
  const names = files
    .filter((file) => file !== undefined)
    .map((file) => /^\.\/dist\/(.+)\.js$/.exec(file)[1]);
  return Object.fromEntries(names.map((name) => [name, join(ROOT, `src/${name}.ts`)]));
}

function contents(output) {
  const chunks = output.filter(({ type }) => type === "chunk");
  return Object.fromEntries(
    chunks.map(({ fileName, imports, dynamicImports, moduleIds }) => [
      fileName,
      { imports, dynamicImports, modules: moduleIds.map((id) => id.replace(`${ROOT}/`, "")) },
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

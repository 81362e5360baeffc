import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./run.js";

/** The parts of package.json that these tests read. */
export interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, unknown>>;
}

export const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as Manifest;

/** What programs import: `flowscribe`, `flowscribe/filter` and so on, without package.json. */
export const entryPoints: readonly string[] = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== "./package.json")
  .map((subpath) => `flowscribe${subpath.slice(1)}`);

export interface InstallOptions {
  /** The `type` in the project's package.json. */
  readonly type?: "module" | "commonjs";
  /** Arguments of `npm install`, such as `--omit=optional`. */
  readonly args?: readonly string[];
}

/** Tarballs of this package as it has been built, and of its run-time dependencies as `npm ci` has installed them. */
export class PackedPackage {
  readonly #folder: string;
  readonly #tarball: string;
  /** By package name. */
  readonly #dependencies: Readonly<Record<string, string>>;

  /** Writes the tarballs to `folder/tarballs`. */
  constructor(folder: string) {
    this.#folder = folder;
    const destination = join(folder, "tarballs");
    mkdirSync(destination, { recursive: true });
    const dependencies = installedDependencies();
    const packed = npm(
      [
        "pack",
        "--json",
        "--ignore-scripts",
        `--pack-destination=${destination}`,
        ".",
        ...dependencies.map((name) => `./node_modules/${name}`),
      ],
      repository,
      folder,
    );
    const tarballs = new Map(
      (JSON.parse(packed) as { name: string; filename: string }[]).map(({ name, filename }) => [
        name,
        join(destination, filename),
      ]),
    );
    const tarball = tarballs.get("flowscribe");
    if (tarball === undefined) throw new Error(`npm pack printed no file name of flowscribe: ${packed}`);
    tarballs.delete("flowscribe");
    this.#tarball = tarball;
    this.#dependencies = Object.fromEntries(tarballs);
  }

  /**
   * Makes an empty project and installs the tarball in it. npm resolves the dependencies in package.json itself, but takes
   * each from a tarball by an override, so that this needs neither the network nor a filled cache.
   */
  install(name: string, { type = "module", args = [] }: InstallOptions = {}): string {
    const project = join(this.#folder, name);
    mkdirSync(project, { recursive: true });
    const overrides = Object.fromEntries(
      Object.entries(this.#dependencies).map(([name, path]) => [name, `file:${path}`]),
    );
    writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type, overrides }));
    npm(["install", "--offline", "--ignore-scripts", ...args, this.#tarball], project, this.#folder);
    return project;
  }
}

/** Runs npm without the settings of the npm that started the tests, and with an empty cache in `folder`. */
export function npm(args: readonly string[], cwd: string, folder: string): string {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_")),
  );
  const { status, stdout, stderr, error } = spawnSync(
    "npm",
    [...args, "--no-audit", "--no-fund", "--no-update-notifier", `--cache=${join(folder, "npm-cache")}`],
    { cwd, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
  return stdout;
}

/** The packages in node_modules that are installed with this one: neither dev dependencies nor builds for other platforms. */
function installedDependencies(): string[] {
  const lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev = false }]) => path !== "" && !dev && existsSync(join(repository, path)))
    .map(([path]) => path.slice("node_modules/".length));
}

/** All files below a folder, as paths relative to it with slashes. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./run.js";

/** The parts of package.json that these tests read. */
export interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
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
  /** Whether the peer dependencies are installed, too, as a project does that uses them. */
  readonly peers?: boolean;
}

/** Tarballs of this package as it has been built, and of its run-time and peer dependencies as `npm ci` has installed them. */
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
  install(name: string, { type = "module", args = [], peers = false }: InstallOptions = {}): string {
    const project = join(this.#folder, name);
    mkdirSync(project, { recursive: true });
    // npm refuses an override of what the project itself depends on.
    const overrides = Object.fromEntries(
      Object.entries(this.#dependencies)
        .filter(([name]) => !PEERS.includes(name))
        .map(([name, path]) => [name, `file:${path}`]),
    );
    writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type, overrides }));
    const peerTarballs = peers ? PEERS.map((peer) => this.#dependencies[peer]!) : [];
    npm(
      ["install", "--offline", "--ignore-scripts", ...args, this.#tarball, ...peerTarballs],
      project,
      this.#folder,
    );
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

const PEERS = Object.keys(manifest.peerDependencies);

interface LockedPackage {
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * The packages in node_modules that are installed with this one, and its peers with theirs: neither dev dependencies nor builds
 * for other platforms.
 */
function installedDependencies(): string[] {
  const { packages } = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const ofPeers = new Set<string>();
  const add = (name: string) => {
    if (ofPeers.has(name)) return;
    ofPeers.add(name);
    for (const dependency of Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {}))
      add(dependency);
  };
  for (const peer of PEERS) add(peer);
  const own = Object.entries(packages)
    .filter(([path, { dev = false }]) => path !== "" && !dev && existsSync(join(repository, path)))
    .map(([path]) => path.slice("node_modules/".length));
  return [...new Set([...own, ...ofPeers])];
}

/** All files below a folder, as paths relative to it with slashes. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

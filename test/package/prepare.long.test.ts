import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { manifest, npm } from "../support/packed-package.js";
import { repository, run } from "../support/run.js";
import { describeUnless } from "../support/shared.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-prepare-"));
afterAll(() => rmSync(folder, { recursive: true }));

const isGitCheckout = spawnSync("git", ["rev-parse", "HEAD"], { cwd: repository }).status === 0;
const hasRegistry = spawnSync("npm", ["ping", "--fetch-retries=0"], { cwd: folder }).status === 0;

/** A repository with one commit of this checkout, without ignored files such as dist/. */
function cloneCheckout(name: string): string {
  const clone = join(folder, name);
  const listed = run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  for (const path of listed.split("\0").filter((path) => path !== "" && existsSync(join(repository, path)))) {
    mkdirSync(join(clone, dirname(path)), { recursive: true });
    cpSync(join(repository, path), join(clone, path));
  }
  const git = (...args: string[]) =>
    run("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: clone });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", "snapshot");
  return clone;
}

describeUnless("the prepare script", isGitCheckout ? undefined : "not a git checkout", () => {
  const clone = cloneCheckout("clone");
  const withoutTools = cloneCheckout("without-tools");
  // The link replaces `npm ci`, which would install the same.
  symlinkSync(join(repository, "node_modules"), join(clone, "node_modules"));

  test("builds and packs dist/ with npm pack in a clean clone", () => {
    expect(existsSync(join(clone, "dist"))).toBe(false);
    npm(["pack"], clone, folder);
    const files = run("tar", ["-tzf", `flowscribe-${manifest.version}.tgz`], { cwd: clone }).split("\n");
    expect(files).toContain("package/dist/index.js");
    expect(files).toContain("package/dist/cli/main.js");
  });

  test("does not rebuild an unchanged dist/", () => {
    const build = readFileSync(join(clone, "dist/tsconfig.tsbuildinfo"));
    writeFileSync(join(clone, "dist/index.js"), "// left alone");
    npm(["run", "prepare"], clone, folder);
    expect(readFileSync(join(clone, "dist/index.js"), "utf8")).toBe("// left alone");
    expect(readFileSync(join(clone, "dist/tsconfig.tsbuildinfo"))).toEqual(build);
  });

  test("succeeds without dev dependencies, as in npm ci --omit=dev", () => {
    npm(["run", "prepare"], withoutTools, folder);
    expect(existsSync(join(withoutTools, "dist"))).toBe(false);
  });

  test("fails in npm pack without dev dependencies and without dist/", () => {
    expect(() => npm(["pack"], withoutTools, folder)).toThrow(/dist\/ was not built.*npm ci --include=dev/);
  });

  test("succeeds with only package.json and package-lock.json, as in a layer of an image", () => {
    const layer = join(folder, "layer");
    mkdirSync(layer);
    for (const name of ["package.json", "package-lock.json"])
      cpSync(join(repository, name), join(layer, name));
    npm(["run", "prepare"], layer, folder);
    expect(existsSync(join(layer, "dist"))).toBe(false);
  });
});

const missing = isGitCheckout ? (hasRegistry ? undefined : "no npm registry") : "not a git checkout";

describeUnless("npm install from a git repository", missing, () => {
  test("builds the package with its dev dependencies", () => {
    const clone = cloneCheckout("git-dependency");
    const commit = run("git", ["rev-parse", "HEAD"], { cwd: clone }).trim();
    const project = join(folder, "git-project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    // Uses the cache that `npm ci` has filled: the dev dependencies are 100 MB.
    run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `git+file://${clone}#${commit}`], {
      cwd: project,
    });
    const program = `import { compilePacketFilter } from "flowscribe/packet"; console.log(typeof compilePacketFilter);`;
    expect(run(process.execPath, ["--input-type=module", "--eval", program], { cwd: project })).toBe(
      "function\n",
    );
    expect(run("node_modules/.bin/flowscribe", ["--version"], { cwd: project })).toMatch(/^flowscribe v/);
  });
});

// Builds dist/ whenever npm runs `prepare`: after `npm ci` or `npm install` in a checkout, before `npm pack` and
// `npm publish`, and when npm installs this package from a git repository. An unchanged dist/ is not built again.
//
// Dev dependencies may be missing (`npm ci --omit=dev`, NODE_ENV=production). That must not fail an installation that
// does not need dist/, but a package without dist/ must never be packed: npm sets `npm_package_resolved` while it packs
// or links a folder.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const missing = ["typescript", "rolldown"].find((name) => !isInstalled(`${name}/package.json`));

if (missing === undefined) {
  const { status } = spawnSync("npm run --silent build", { shell: true, stdio: "inherit" });
  process.exitCode = status ?? 1;
} else {
  console.error(
    `flowscribe: dist/ was not built, because the dev dependency ${missing} is not installed. To build it: npm ci --include=dev in ${process.cwd()}`,
  );
  const isPackedOrLinked = process.env.npm_package_resolved !== undefined;
  if (isPackedOrLinked && !existsSync("dist/index.js")) process.exitCode = 1;
}

function isInstalled(path) {
  try {
    createRequire(import.meta.url).resolve(path);
    return true;
  } catch {
    return false;
  }
}

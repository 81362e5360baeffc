// Completes package-lock.json after `npm install` from a registry that lacks some platforms' builds (a mirror, say): npm
// leaves those out, and `npm ci` then refuses the lock file on every platform. They are entered by name and version, with
// the platform that their name tells, so that each is installed only there.
//
//   node tools/complete-lock.mjs
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const PLATFORM =
  /-(?<os>aix|android|darwin|freebsd|linux|netbsd|openbsd|sunos|win32)-(?<cpu>arm64|armv7|x64|ia32)(?:-(?<libc>musl))?$/;

const lock = JSON.parse(readFileSync(FILE, "utf8"));
let added = 0;
for (const { optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const path = `node_modules/${name}`;
    const platform = PLATFORM.exec(name)?.groups;
    if (path in lock.packages || platform === undefined) continue;
    lock.packages[path] = {
      version,
      cpu: [platform.cpu === "armv7" ? "arm" : platform.cpu],
      dev: true,
      ...(platform.libc !== undefined && { libc: [platform.libc] }),
      optional: true,
      os: [platform.os],
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages entered`);

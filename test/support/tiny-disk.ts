import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Mounts a disk of 64 KiB for the time of a test. */
export function tinyDisk(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "flowscribe-disk-"));
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path], {
    encoding: "utf8",
  });
  if (status !== 0) {
    rmSync(path, { recursive: true });
    throw new Error(`no disk to mount: ${stderr}`);
  }
  return {
    path,
    [Symbol.dispose]: () => {
      // Lazily: a file that a failure left open must not keep the disk mounted.
      spawnSync("umount", ["--lazy", path]);
      rmSync(path, { recursive: true });
    },
  };
}

/** Undefined where one can be mounted. */
export function whyNoDisk(): string | undefined {
  try {
    tinyDisk()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

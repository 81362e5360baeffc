import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of its own, and what it signs: made by openssl in a folder. */
export function certificateAuthority(folder: string) {
  const ca = join(folder, "ca");
  openssl("req", "-x509", ...newKey(ca), "-days", "2", "-subj", "/CN=test authority", "-out", `${ca}.crt`);
  return {
    caFile: `${ca}.crt`,
    ca: readFileSync(`${ca}.crt`),
    sign: (name: string, subject: string, alternativeNames: string): Certificate => {
      const path = join(folder, name);
      writeFileSync(`${path}.ext`, `subjectAltName=${alternativeNames}\n`);
      openssl("req", ...newKey(path), "-subj", subject, "-out", `${path}.csr`);
      openssl(
        ...["x509", "-req", "-in", `${path}.csr`, "-CA", `${ca}.crt`, "-CAkey", `${ca}.key`, "-days", "2"],
        ...["-extfile", `${path}.ext`, "-out", `${path}.crt`],
      );
      return {
        cert: readFileSync(`${path}.crt`),
        key: readFileSync(`${path}.key`),
        certFile: `${path}.crt`,
        keyFile: `${path}.key`,
      };
    },
  };
}

function newKey(path: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${path}.key`];
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

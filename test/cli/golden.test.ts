import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-code.js";
import { amount, everyNth, nth } from "../support/amount.js";
import { repository } from "../support/run.js";
import { describeWithShared, sharedPath } from "../support/shared.js";
import { outputOf } from "./fake-io.js";

/** Coprime to the number of flags (49) and of files (7), so that the sample covers each of them. */
const STEP = 8;
const MAIN = join(repository, "dist/cli/main.js");

function program(args: readonly string[], input: Uint8Array | string = ""): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== EXIT.ok || stderr !== "") throw new Error(`ended with ${status}: ${stderr}`);
  return stdout;
}

describeWithShared("hubble observe v1.16.2 --input-file FILE", () => {
  const flows = (name: string) => sharedPath(`flows/${name}-flows.json`);
  const names = [
    "basic-sample-10",
    "basic-sample-330-dns",
    "basic-sample-400-icmpv4",
    "basic-sample-400-tcp",
  ];

  describe.each(names)("%s", (name) => {
    test.each(["compact", "dict", "table"])("prints the recorded output with -o %s", async (output) => {
      const golden = readFileSync(sharedPath(`golden/${name}-flows.${output}.txt`), "utf8");
      expect(await outputOf(["observe", "-o", output, flows(name)])).toBe(golden);
    });

    test("accepts -o tab as table, with standard input", async () => {
      const golden = readFileSync(sharedPath(`golden/${name}-flows.table.txt`), "utf8");
      const stdin = readFileSync(flows(name));
      expect(await outputOf(["observe", "-o", "tab", "-"], { stdin })).toBe(golden);
    });

    test.each(["json", "jsonpb"])("reproduces the file with -o %s", async (output) => {
      expect(await outputOf(["observe", "-o", output, "--input-file", flows(name)])).toBe(
        readFileSync(flows(name), "utf8"),
      );
    });
  });

  describe("as a process", () => {
    const [, dns = ""] = names;

    test.each(everyNth(3, ["compact", "dict", "table"]))(
      `prints the recorded output with -o %s${nth(3)}`,
      (output) => {
        const golden = readFileSync(sharedPath(`golden/${dns}-flows.${output}.txt`), "utf8");
        expect(program(["observe", "-o", output, flows(dns)])).toBe(golden);
      },
    );

    test("reproduces standard input with -o jsonpb", () => {
      const input = readFileSync(flows(dns));
      expect(program(["observe", "-o", "jsonpb", "-"], input)).toBe(input.toString());
    });
  });

  const [, ...lines] = readFileSync(sharedPath("golden/observe-flags.tsv"), "utf8").trimEnd().split("\n");
  const rows = lines.map((line) => {
    const [file = "", args = "", matched = "", hash = ""] = line.split("\t");
    return { file, args: JSON.parse(args) as string[], matched: Number(matched), hash };
  });

  const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

  test(`prints the same flows as hubble observe for every line of flags${nth(STEP)}`, async () => {
    expect(rows.length).toBeGreaterThan(300);
    for (const { file, args, matched, hash } of everyNth(STEP, rows)) {
      const out = await outputOf(["observe", "--input-file", flows(file), "-o", "jsonpb", ...args]);
      expect({ file, args, matched: out.split("\n").length - 1, hash: hashOf(out) }).toEqual({
        file,
        args,
        matched,
        hash,
      });
    }
  });

  // Run a sample of the lines that match flows as separate processes.
  const step = amount({ quick: 150, long: 12 });
  const sample = rows.filter(({ matched }) => matched > 0).filter((_, index) => index % step === 0);
  test.each(sample.map((row) => ({ name: `${row.file} ${row.args.join(" ")}`, row })))(
    "prints the same flows as hubble observe as a process: $name",
    ({ row }) => {
      const out = program(["observe", ...row.args, "-o", "jsonpb", flows(row.file)]);
      expect(hashOf(out)).toBe(row.hash);
    },
  );
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CaptureError } from "../../src/errors/errors.js";
import { everyNth, nth } from "../support/amount.js";
import { describeWithShared, sharedPath } from "../support/shared.js";
import { chunksOf, readAll } from "./read.js";
import { sharedCapture, sharedCaptures } from "./shared-captures.js";

const STEP = 10;
/** libpcap refuses its version 2.5, Wireshark reads it. */
const EITHER = "libpcap/tests/pcap-invalid-version-2.pcap";

describeWithShared("captures written by other programs", () => {
  const captures = sharedCaptures();
  const sample = everyNth(STEP, captures);

  test("are all there", () => {
    expect(captures).toHaveLength(921);
    expect(captures.filter(({ packets }) => packets === "refused")).toHaveLength(6);
    expect(readFileSync(sharedPath("golden", "counts.tsv"), "utf8").trim().split("\n")).toHaveLength(922);
  });

  test.each(sample)(`$file: $packets${nth(STEP)}`, async ({ file, packets: expected }) => {
    const bytes = sharedCapture(file);
    const whole = await readAll(bytes);
    if (file === EITHER && whole.packets.length > 0) {
      expect(whole.packets).toHaveLength(1);
    } else if (expected === "refused") {
      expect(whole.packets).toEqual([]);
      expect(whole.error).toBeInstanceOf(CaptureError);
      expect((whole.error as CaptureError).message).toMatch(/\w+ .*\(at byte \d+\)$/);
    } else {
      expect(whole.error).toBeUndefined();
      expect(whole.packets).toHaveLength(Number(expected));
      expect(whole.source?.stats().received).toBe(Number(expected));
    }
    for (const size of [1, 7, 4096]) {
      const chunked = await readAll(chunksOf(bytes, size));
      expect(chunked.packets).toEqual(whole.packets);
      expect(chunked.error).toEqual(whole.error);
      expect(chunked.source?.interfaces).toEqual(whole.source?.interfaces);
      expect(chunked.source?.warnings).toEqual(whole.source?.warnings);
    }
  });
});

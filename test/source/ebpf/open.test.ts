import { describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { open } from "../../../src/source/ebpf/open.js";
import { describeWithEbpf } from "./kernel-needed.js";

describe("openEbpf", () => {
  test.each([
    { options: { snapLength: -1 }, text: "snapLength: must be an integer from 0 to 262144, not -1" },
    { options: { snapLength: 0.5 }, text: "snapLength" },
    {
      options: { direction: "in" as never },
      text: 'direction: must be one of ingress, egress, both, not "in"',
    },
    {
      options: { bufferBytes: 1000 },
      text: "bufferBytes: must be an integer from 131072 to 268435456, not 1000",
    },
  ])("rejects $options", async ({ options, text }) => {
    await expect(openEbpf("lo", options)).rejects.toThrow(text);
  });

  test("names the missing package and how to install it", async () => {
    const importKoffi = () =>
      Promise.reject(Object.assign(new Error("no"), { code: "ERR_MODULE_NOT_FOUND" }));
    await expect(open("lo", {}, { importKoffi })).rejects.toMatchObject({
      code: "capture_unavailable",
      message: expect.stringContaining("npm install koffi"),
    });
  });

  test("rejects with the reason of an aborted signal", async () => {
    await expect(openEbpf("lo", { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
  });
});

describeWithEbpf("openEbpf", () => {
  test("rejects invalid filters, with all issues", async () => {
    const include = [{ sourceCidr: "x", destinationCidr: "y" }];
    await expect(openEbpf("lo", { include })).rejects.toThrow(FilterError);
    await expect(openEbpf("lo", { include: [] })).rejects.toThrow(
      "need to specify at least one include filter",
    );
  });

  test("has the interface, and is filtered", async () => {
    const include = [{ sourceCidr: "::/0", destinationCidr: "::/0" }];
    await using source = await openEbpf("lo", { include, snapLength: 100 });
    expect(source.interfaces).toEqual([{ linkType: 1, resolution: "ns", snapLength: 100, name: "lo" }]);
    expect(source.filtered).toBe(true);
    await using all = await openEbpf("lo");
    expect(all.filtered).toBe(false);
  });
});

import { describe, expect, test } from "vitest";
import { FlowscribeError, OptionsError } from "../../../src/errors/errors.js";
import { openLibpcap } from "../../../src/source/libpcap/index.js";
import { open } from "../../../src/source/libpcap/open.js";
import { withoutCapability } from "../../support/capability.js";
import { describeLive, heldByCaptures } from "./live.js";

/** The error of an attempt. */
async function errorOf(attempt: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof FlowscribeError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("no error");
}

describe("openLibpcap: rejects", () => {
  test("a missing koffi", async () => {
    const missing = Object.assign(new Error("Cannot find package 'koffi'"), { code: "ERR_MODULE_NOT_FOUND" });
    const importKoffi = () => Promise.reject(missing);
    const { code, message } = await errorOf(open("lo", {}, { importKoffi }));
    expect(code).toBe("capture_unavailable");
    expect(message).toContain("npm install koffi");
  });

  test("a koffi without a build for the platform", async () => {
    const importKoffi = () => Promise.reject(new Error("Cannot find the native Koffi module"));
    const { code, message } = await errorOf(open("lo", {}, { importKoffi }));
    expect(code).toBe("capture_unavailable");
    expect(message).toContain(`${process.platform} on ${process.arch}`);
  });

  test.each([
    { name: "snapLength", options: { snapLength: -1 } },
    { name: "snapLength", options: { snapLength: 262_145 } },
    { name: "snapLength", options: { snapLength: 1.5 } },
    { name: "direction", options: { direction: "ingress" as never } },
    { name: "precision", options: { precision: "ms" as never } },
    { name: "bufferBytes", options: { bufferBytes: 1000 } },
    { name: "bufferBytes", options: { bufferBytes: 2 ** 31 } },
  ])("$name out of range: $options", async ({ name, options }) => {
    await expect(openLibpcap("lo", options)).rejects.toThrow(OptionsError);
    await expect(openLibpcap("lo", options)).rejects.toThrow(name);
  });

  test("invalid filters", async () => {
    const include = [{ sourceCidr: "10.0.0.0/99", destinationCidr: "0.0.0.0/0" }];
    await expect(openLibpcap("lo", { include })).rejects.toMatchObject({ code: "invalid_filter" });
  });

  test("an aborted signal", async () => {
    const signal = AbortSignal.abort(new Error("changed my mind"));
    await expect(openLibpcap("lo", { signal })).rejects.toThrow("changed my mind");
  });
});

describeLive("openLibpcap", (live) => {
  const openHere = (device: string, expression?: string) =>
    open(device, expression === undefined ? {} : { expression }, { onThisThread: true });

  test("without the library: names the package to install", async () => {
    const { code, message } = await errorOf(open("lo", {}, { libraryNames: ["libnosuch.so.1"] }));
    expect(code).toBe("capture_unavailable");
    expect(message).toContain("tried libnosuch.so.1");
    expect(message).toContain("libpcap0.8");
  });

  test("without the capability: names it and how to grant it", async () => {
    const { device } = live().pair.receiver;
    const { code, message } = await errorOf(
      withoutCapability(live().koffi, "CAP_NET_RAW", () => openHere(device)),
    );
    expect(code).toBe("capture_denied");
    expect(message).toContain("setcap cap_net_raw+ep");
  });

  test.each(["nosuch0", "", "a\0b", "x".repeat(5000), "%s%n"])(
    "lists the devices for an unknown device: %j",
    async (name) => {
      const { code, message } = await errorOf(openHere(name));
      // Impossible names are rejected without a lookup.
      expect(["no_such_device", "capture_failed"]).toContain(code);
      if (code === "no_such_device") expect(message).toContain(live().pair.receiver.device);
    },
  );

  test.each(["tcp prot 80", "host 300.1.1.1", "(tcp", "ip\0", "vlan 5000"])(
    "reports libpcap's message for an invalid expression: %j",
    async (expression) => {
      const { code, message } = await errorOf(openHere(live().pair.receiver.device, expression));
      expect(code).toBe("invalid_expression");
      expect(message.length).toBeGreaterThan(expression.length + 30);
    },
  );

  test("releases all resources after a failure", async () => {
    await errorOf(openHere(live().pair.receiver.device, "(tcp"));
    await errorOf(openHere("nosuch0"));
    expect(heldByCaptures()).toBe("0 sockets, 0 files");
  });

  test("describes the interface", async () => {
    const source = await openHere("lo", "tcp");
    expect(source.interfaces).toMatchObject([{ name: "lo", linkType: 1, resolution: "ns", filter: "tcp" }]);
    expect(source.interfaces[0]?.snapLength).toBe(262_144);
    expect(source.filtered).toBe(false);
    await source[Symbol.asyncDispose]();
  });
});

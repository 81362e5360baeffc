import { describe, expect, test } from "vitest";
import {
  compilePacketFilter,
  createAddressSet,
  createLayers,
  locateLayers,
  type PacketFilterInit,
  packetsOf,
} from "../../../src/packet/index.js";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { compileProgram } from "../../../src/source/ebpf/program/program.js";
import { ipv4Frame, ipv6Frame } from "../../support/traffic/frames.js";
import { mixedFrames } from "../../support/traffic/mixed.js";
import { describeLive } from "../libpcap/live.js";
import { describeWithEbpf } from "./kernel-needed.js";

/** The addresses of a packet's IP header, 16 bytes each in hex. */
function addressesOf(bytes: Uint8Array): string[] {
  const layers = createLayers();
  locateLayers(bytes, 0, bytes.length, 1, layers);
  const { version, network } = layers;
  if (version === 0) return [];
  const [from, length] = version === 4 ? [12, 4] : [8, 16];
  return [0, 1].map((side) => {
    const start = network + from + side * length;
    const hex = Buffer.from(bytes.subarray(start, start + length)).toString("hex");
    return version === 4 ? `${"0".repeat(20)}ffff${hex}` : hex;
  });
}

describeWithEbpf("compileProgram: with a map of addresses", (kernel) => {
  test.each([
    { name: "all IP packets", include: undefined },
    {
      name: "a few filters",
      include: [{ sourceCidr: "10.0.0.0/8", destinationCidr: "0.0.0.0/0", protocol: 17 }],
    },
    {
      name: "tables of filters",
      include: Array.from({ length: 40 }, (_, index) => ({
        sourceCidr: "0.0.0.0/0",
        destinationCidr: "0.0.0.0/0",
        destinationPort: 40 + index,
      })),
    },
  ] as { name: string; include: readonly PacketFilterInit[] | undefined }[])(
    "matches packets that also have one of the addresses: $name",
    ({ include }) => {
      const packets = [...mixedFrames(300), ipv4Frame(), ipv6Frame()].filter(({ length }) => length >= 60);
      const all = packets.map(addressesOf);
      const known = [...new Set(all.flat())].sort();
      const wanted = known.filter((_, index) => index % 3 === 0);
      const map = kernel().createSetMap("addresses", 16, 1000);
      for (const hex of wanted) kernel().addKey(map, Buffer.from(hex, "hex"));
      const options = { layer: 2, window: 65_535, answer: { kind: "report" }, hasAddresses: true } as const;
      const compiled = compileProgram(include, options);
      const tables =
        compiled.tables.length === 0 ? -1 : kernel().createConstantMap("tables", compiled.tables);
      const program = kernel().loadProgram("addresses", compiled.program.encode({ tables, addresses: map }));
      const passes = include === undefined ? () => true : compilePacketFilter(include);
      const answers = { true: 0, false: 0 };
      const check = (bytes: Uint8Array, addresses: readonly string[], set: readonly string[]) => {
        const expected =
          passes(bytes, 0, bytes.length, 1) && addresses.some((address) => set.includes(address));
        expect(kernel().run(program, bytes).result === 1, Buffer.from(bytes).toString("hex")).toBe(expected);
        answers[`${expected}`]++;
      };
      for (const [index, bytes] of packets.entries()) check(bytes, all[index]!, wanted);
      // A change takes effect at once.
      for (const hex of wanted) kernel().deleteKey(map, Buffer.from(hex, "hex"));
      for (const [index, bytes] of packets.entries()) check(bytes, all[index]!, []);
      expect(answers.true).toBeGreaterThan(0);
      for (const descriptor of [program, map, tables]) if (descriptor >= 0) kernel().close(descriptor);
    },
  );
});

describeLive("openEbpf: with a set of addresses", (live) => {
  test("captures the packets from and to the addresses that the set has when they arrive", async () => {
    const { pair, sender } = live();
    const addresses = createAddressSet();
    const source = await openEbpf(pair.receiver.device, { addresses, direction: "ingress" });
    const send = (number: number) => sender.send([ipv4Frame({ number }), ipv6Frame({ number })]);
    send(1);
    addresses.add("10.77.0.1");
    send(2);
    addresses.add("fd00:77::2");
    send(3);
    addresses.delete("10.77.0.1");
    send(4);
    source.stop();
    const numbers: string[] = [];
    for await (const batch of source) {
      for (const { bytes } of packetsOf(batch)) {
        const isIpv4 = bytes[12] === 8;
        numbers.push(isIpv4 ? `4:${bytes[19]}` : `6:${bytes[17]}`);
      }
    }
    expect(numbers).toEqual(["4:2", "4:3", "6:3", "6:4"]);
    await source[Symbol.asyncDispose]();
    // The set does not reach for a capture that has ended.
    addresses.add("10.77.0.9");
    expect(addresses.delete("fd00:77::2")).toBe(true);
  });
});

describe("openEbpf: an invalid set of addresses", () => {
  test("is rejected before anything is opened", async () => {
    await expect(openEbpf("lo", { addresses: new Set() as never })).rejects.toThrow("addresses");
  });
});

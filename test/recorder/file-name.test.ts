import fc from "fast-check";
import { expect, test } from "vitest";
import { type FileNameParts, recordingFileName } from "../../src/recorder/index.js";

const PARTS: FileNameParts = {
  prefix: "hubble",
  nowMs: 1_744_498_105_999,
  random: 3_266_660_343,
  nodeName: "cilium-recorder-test-node",
  extension: "pcap",
};

test.each<{ name: string; parts: Partial<FileNameParts>; file: string }>([
  {
    name: "the name that upstream gave in its own example",
    parts: {},
    file: "hubble_1744498105_3266660343_cilium-recorder-test-node.pcap",
  },
  {
    name: "seconds are not rounded up",
    parts: { nowMs: 999 },
    file: "hubble_0_3266660343_cilium-recorder-test-node.pcap",
  },
  {
    name: "a cluster",
    parts: { nodeName: "prod/node1" },
    file: "hubble_1744498105_3266660343_prod_node1.pcap",
  },
  {
    name: "pcapng",
    parts: { nodeName: "n", extension: "pcapng" },
    file: "hubble_1744498105_3266660343_n.pcapng",
  },
  {
    name: "the bounds of the random number",
    parts: { random: 0, nodeName: "n", prefix: "a" },
    file: "a_1744498105_0_n.pcap",
  },
  {
    name: "a node name cannot climb out of the folder",
    parts: { nodeName: "../../etc/passwd" },
    file: "hubble_1744498105_3266660343_.._.._etc_passwd.pcap",
  },
  {
    name: "one underscore for a character outside the 16-bit range, as for any other",
    parts: { nodeName: "a\u{1f600}b é\0" },
    file: "hubble_1744498105_3266660343_a_b___.pcap",
  },
  {
    name: "dots, dashes, digits and both cases stay",
    parts: { nodeName: "Node-1.example_COM" },
    file: "hubble_1744498105_3266660343_Node-1.example_COM.pcap",
  },
  { name: "no node name", parts: { nodeName: "" }, file: "hubble_1744498105_3266660343_.pcap" },
])("$name", ({ parts, file }) => {
  expect(recordingFileName({ ...PARTS, ...parts })).toBe(file);
});

test("recordingFileName: any node name gives one safe path segment of the same length", () => {
  const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
  const nodeName = fc.oneof(fc.string(), fc.string({ unit: anyCharacter }));
  const random = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const nowMs = fc.integer({ min: 0, max: 2 ** 52 });
  const extension = fc.constantFrom("pcap" as const, "pcapng" as const);
  fc.assert(
    fc.property(nodeName, random, nowMs, extension, (node, number, now, ending) => {
      const name = recordingFileName({
        prefix: "p",
        nowMs: now,
        random: number,
        nodeName: node,
        extension: ending,
      });
      expect(name).toMatch(/^p_\d+_\d+_[a-zA-Z0-9_.-]*\.pcap(ng)?$/);
      // What is allowed is kept where it stood.
      const characters = [...node].map((character) => (/[a-zA-Z0-9_.-]/.test(character) ? character : "_"));
      expect(name).toBe(`p_${Math.floor(now / 1000)}_${number}_${characters.join("")}.${ending}`);
    }),
  );
});

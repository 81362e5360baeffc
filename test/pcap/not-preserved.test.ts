import { describe, expect, test } from "vitest";
import type { NotPreserved } from "../../src/pcap/index.js";
import {
  blockWriter,
  CUSTOM,
  DECRYPTION_SECRETS,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  join,
  NAME_RESOLUTION,
} from "./blocks.js";
import { chunksOf, readAll, readWhole } from "./read.js";

const NOTHING: NotPreserved = {
  decryptionSecrets: 0,
  nameResolution: 0,
  customBlocks: 0,
  otherBlocks: 0,
  sectionOptions: 0,
  interfaceOptions: 0,
  packetFlags: 0,
  packetOptions: 0,
  statisticsOptions: 0,
};

const SYSTEMD_JOURNAL = 9;
const CUSTOM_NO_COPY = 0x4000_0bad;
const PACKET = Uint8Array.of(1, 2, 3);

describe.each([true, false])(
  "decodeCapture: counts what is not preserved (little endian: %s)",
  (littleEndian) => {
    const writer = blockWriter({ littleEndian });
    const { section, enhanced, obsolete, block, statistics } = writer;
    const describe = writer.interface;
    const head = join(section(), describe());

    test.each<{
      name: string;
      file: Uint8Array;
      pcapngOnly?: Partial<NotPreserved>;
      notPreserved?: Partial<NotPreserved>;
    }>([
      { name: "no counts for a plain file", file: join(head, enhanced({ data: PACKET })) },
      {
        name: "no counts for what has a field of its own",
        file: join(
          section({ options: [[4, "dumpcap"]] }),
          describe({
            options: [
              [1, "comment"],
              [2, "eth0"],
              [3, "text"],
              [9, 9],
              [11, "\0tcp"],
              [12, "Linux"],
              [14, 1n],
              [15, "NIC"],
            ],
          }),
          enhanced({ data: PACKET, options: [[1, "comment"]] }),
          statistics(0, [
            [4, 10n],
            [5, 1n],
            [7, 1n],
          ]),
        ),
      },
      {
        name: "blocks",
        file: join(
          head,
          block(DECRYPTION_SECRETS, new Uint8Array(16)),
          block(DECRYPTION_SECRETS, new Uint8Array(16)),
          enhanced({ data: PACKET }),
          block(NAME_RESOLUTION, new Uint8Array(4)),
          block(CUSTOM, new Uint8Array(8)),
          block(CUSTOM_NO_COPY, new Uint8Array(8)),
          block(SYSTEMD_JOURNAL, new Uint8Array(8)),
        ),
        pcapngOnly: { decryptionSecrets: 2, nameResolution: 1, customBlocks: 1, otherBlocks: 1 },
        notPreserved: { customBlocks: 1 },
      },
      {
        name: "options of sections",
        file: join(
          section({
            options: [
              [1, "comment"],
              [2, "x86"],
              [3, "Linux"],
            ],
          }),
          describe(),
          section({ options: [[2, "arm"]] }),
        ),
        pcapngOnly: { sectionOptions: 3 },
        notPreserved: { sectionOptions: 1 },
      },
      {
        name: "options of interfaces",
        file: join(
          section(),
          describe({
            options: [
              [4, new Uint8Array(8)],
              [8, 1_000_000_000n],
              [11, Uint8Array.of(1, 0)],
              [13, 4],
              [19373, new Uint8Array(8)],
            ],
          }),
        ),
        pcapngOnly: { interfaceOptions: 4 },
        notPreserved: { interfaceOptions: 1 },
      },
      {
        name: "options of packets",
        file: join(
          head,
          enhanced({
            data: PACKET,
            options: [
              [2, Uint8Array.of(1, 0, 0, 0)],
              [1, "comment"],
              [4, 7n],
            ],
          }),
          enhanced({ data: PACKET, options: [[2, Uint8Array.of(2, 0, 0, 0)]] }),
          obsolete({ data: PACKET, drops: 3 }),
          obsolete({ data: PACKET, drops: 0xffff }),
        ),
        pcapngOnly: { packetFlags: 2, packetOptions: 2 },
      },
      {
        name: "options of statistics",
        file: join(
          head,
          enhanced({ data: PACKET }),
          statistics(0, [
            [2, 1n],
            [3, 2n],
            [4, 5n],
          ]),
        ),
        pcapngOnly: { statisticsOptions: 2 },
      },
    ])("$name, once, for chunks of any size", async ({ file, notPreserved, pcapngOnly }) => {
      const { warnings } = (await readWhole(file)).source;
      expect(warnings.notPreserved).toEqual({ ...NOTHING, ...notPreserved });
      expect(warnings.pcapngOnly).toEqual({ ...NOTHING, ...pcapngOnly });
      expect((await readWhole(chunksOf(file, 3))).source.warnings).toEqual(warnings);
    });

    test("once in a file that ends with an error", async () => {
      const damaged = block(
        INTERFACE_DESCRIPTION,
        join(
          writer.u16(1),
          writer.u16(0),
          writer.u32(0),
          writer.option([13, 4]),
          writer.u16(8),
          writer.u16(99),
        ),
      );
      const file = join(head, enhanced({ data: PACKET }), damaged, block(ENHANCED_PACKET, new Uint8Array(0)));
      const { source, error } = await readAll(file);
      expect(error).toBeDefined();
      expect(source?.warnings.notPreserved).toEqual(NOTHING);
    });
  },
);

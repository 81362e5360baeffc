import { describe, expect, test } from "vitest";
import { decodeCapture } from "../../../src/pcap/index.js";
import { MAX_BLOCK_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTERFACES } from "../../../src/pcap/pcapng/limits.js";
import { amount } from "../../support/amount.js";
import {
  CUSTOM,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  join,
  type Option,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from "../blocks.js";
import { bytesOf, dataOf, fault, readAll, readWhole } from "../read.js";
import { big, DATA, IF_NAME, little, OPT_COMMENT, orders, start, WHOLE } from "./captures.js";

const CUSTOM_NO_COPY = 0x4000_0bad;
const MAX_CAPTURED = 262_144;
const LINKTYPE_DBUS = 231;

describe.each(orders)("decodeCapture: $order pcapng", ({ writer }) => {
  const { section, enhanced, obsolete, simple, statistics, block } = writer;

  describe("if damaged, yields the packets before the damage, then throws with the offset:", () => {
    const good = start(writer);
    const at = good.length;
    const packet = enhanced({ data: DATA });
    const option = (code: number, length: number, value: Uint8Array) =>
      join(writer.u16(code), writer.u16(length), value);

    test.each<{ what: string; bytes: Uint8Array; error: string }>([
      {
        what: "a packet of an unknown interface",
        bytes: enhanced({ interfaceId: 1 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet of interface 2³²−1",
        bytes: enhanced({ interfaceId: 0xffff_ffff }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an obsolete packet of an unknown interface",
        bytes: obsolete({ interfaceId: 1 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a simple packet in a section without interfaces",
        bytes: join(section(), simple(DATA)),
        error: `malformed_capture@${at + 28}`,
      },
      {
        what: "a packet in a section without interfaces",
        bytes: join(section(), packet),
        error: `malformed_capture@${at + 28}`,
      },
      { what: "statistics of an unknown interface", bytes: statistics(1), error: `malformed_capture@${at}` },
      {
        what: "statistics too short",
        bytes: block(INTERFACE_STATISTICS, new Uint8Array(8)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet block too short",
        bytes: block(ENHANCED_PACKET, new Uint8Array(16)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a simple packet too short",
        bytes: block(SIMPLE_PACKET, new Uint8Array(0)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an interface too short",
        bytes: block(INTERFACE_DESCRIPTION, new Uint8Array(4)),
        error: `malformed_capture@${at}`,
      },
      {
        what: "more data than the block",
        bytes: enhanced({ data: WHOLE, captured: 5 }),
        error: `malformed_capture@${at}`,
      },
      { what: "more simple data than the block", bytes: simple(WHOLE, 5), error: `malformed_capture@${at}` },
      {
        what: "captured length 2³²−1",
        bytes: enhanced({ data: WHOLE, captured: 0xffff_ffff }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a length that is not a multiple of 4",
        bytes: block(CUSTOM, WHOLE, { length: 17 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet's length that is not a multiple of 4",
        bytes: block(ENHANCED_PACKET, new Uint8Array(24), { length: 34 }),
        error: `malformed_capture@${at}`,
      },
      { what: "a length of 0", bytes: block(CUSTOM, WHOLE, { length: 0 }), error: `malformed_capture@${at}` },
      {
        what: "a length below the block's own fields",
        bytes: block(CUSTOM, WHOLE, { length: 8 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet with a different trailing length",
        bytes: block(ENHANCED_PACKET, new Uint8Array(20), { trailer: 36 }),
        error: `malformed_capture@${at + 28}`,
      },
      {
        what: "a skipped block with a different trailing length",
        bytes: block(CUSTOM, WHOLE, { trailer: 0 }),
        error: `malformed_capture@${at + 12}`,
      },
      {
        what: "an interface's option past its block",
        bytes: writer.block(INTERFACE_DESCRIPTION, join(new Uint8Array(8), option(IF_NAME, 5, WHOLE))),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an interface's option without a complete length",
        bytes: block(
          INTERFACE_DESCRIPTION,
          join(new Uint8Array(8), option(IF_NAME, 8, WHOLE), WHOLE.subarray(0, 0)),
        ),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a section without byte order",
        bytes: block(SECTION_HEADER, new Uint8Array(16)),
        error: `malformed_capture@${at + 8}`,
      },
      {
        what: "a section of version 1.1",
        bytes: section({ minor: 1 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section of version 1.3",
        bytes: section({ minor: 3 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section of version 0.1",
        bytes: section({ major: 0, minor: 1 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section of version 2.0",
        bytes: section({ major: 2 }),
        error: `unsupported_capture@${at + 12}`,
      },
      {
        what: "a section with a different trailing length",
        bytes: block(SECTION_HEADER, section().subarray(8, 24), { trailer: 32 }),
        error: `malformed_capture@${at + 24}`,
      },
      {
        what: "a section's length too small",
        bytes: block(SECTION_HEADER, section().subarray(8, 24), { length: 24 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a section's length above the bound",
        bytes: block(SECTION_HEADER, section().subarray(8, 24), { length: MAX_BLOCK_BYTES + 4 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a packet block above the bound",
        bytes: block(ENHANCED_PACKET, new Uint8Array(20), { length: MAX_BLOCK_BYTES + 4 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "a simple packet above the bound",
        bytes: block(SIMPLE_PACKET, new Uint8Array(20), { length: MAX_BLOCK_BYTES + 4 }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "an interface above the bound",
        bytes: block(INTERFACE_DESCRIPTION, new Uint8Array(20), { length: 0xffff_fffc }),
        error: `malformed_capture@${at}`,
      },
      {
        what: "the end in the fields of a block",
        bytes: packet.subarray(0, 11),
        error: `truncated_capture@${at}`,
      },
      { what: "the end in a packet", bytes: packet.subarray(0, -1), error: `truncated_capture@${at}` },
      {
        what: "the end in a section header",
        bytes: section().subarray(0, 27),
        error: `truncated_capture@${at}`,
      },
      {
        what: "the end in the options of a section header",
        bytes: section({ options: [[4, "x"]] }).subarray(0, 30),
        error: `truncated_capture@${at}`,
      },
      {
        what: "the end in a copied block",
        bytes: block(CUSTOM, WHOLE).subarray(0, 15),
        error: `truncated_capture@${at}`,
      },
      {
        what: "the end in a skipped block",
        bytes: block(CUSTOM_NO_COPY, WHOLE).subarray(0, 15),
        error: `truncated_capture@${at + 12}`,
      },
      {
        what: "the end before the trailing length of a skipped block",
        bytes: block(CUSTOM_NO_COPY, WHOLE).subarray(0, 12),
        error: `truncated_capture@${at + 12}`,
      },
    ])("$what", async ({ bytes, error }) => {
      for (const before of [0, 3]) {
        const packets = Array.from({ length: before }, () => packet);
        const outcome = await readAll(join(good, ...packets, bytes, packet));
        const cut = error.startsWith("truncated") ? await readAll(join(good, ...packets, bytes)) : outcome;
        expect(dataOf(cut.packets)).toEqual(["aa", ...packets.map(() => "0102030405")]);
        const [code, offset] = error.split("@");
        expect(fault(cut)).toBe(`${code}@${Number(offset) + before * packet.length}`);
      }
    });

    test("keeps the byte order of the section before if a section header is rejected", async () => {
      const other = writer === little ? big : little;
      const iterator = (await decodeCapture(join(good, other.section({ minor: 1 }))))[Symbol.asyncIterator]();
      expect((await iterator.next()).value?.length).toBe(1);
      await expect(iterator.next()).rejects.toMatchObject({ code: "unsupported_capture", offset: at + 12 });
    });
  });

  test.each([
    {
      what: "an option past the block",
      raw: join(writer.option([OPT_COMMENT, "kept"]), writer.u16(OPT_COMMENT), writer.u16(9), WHOLE),
      comments: ["kept"],
      damaged: 1,
    },
    {
      what: "only an option's header past the block",
      raw: join(writer.u16(OPT_COMMENT), writer.u16(4)),
      comments: [],
      damaged: 1,
    },
    {
      what: "options without an end marker",
      raw: writer.option([OPT_COMMENT, "kept"]),
      comments: ["kept"],
      damaged: 0,
    },
    { what: "an end with a length", raw: join(writer.u16(0), writer.u16(99)), comments: [], damaged: 0 },
    {
      what: "options after the end marker",
      raw: join(writer.options([[OPT_COMMENT, "kept"]]), writer.option([OPT_COMMENT, "lost"])),
      comments: ["kept"],
      damaged: 0,
    },
    {
      what: "text that is not UTF-8",
      raw: writer.options([[OPT_COMMENT, bytesOf("61ff62")]]),
      comments: ["a\ufffdb"],
      damaged: 0,
    },
  ])("with $what after a packet reads the packet, and counts damage", async ({ raw, comments, damaged }) => {
    const file = join(start(writer), enhanced({ data: DATA, rawOptions: raw }), enhanced({ data: WHOLE }));
    const { packets, source } = await readWhole(file);
    expect(dataOf(packets)).toEqual(["aa", "0102030405", "01020304"]);
    expect(packets[1]?.comments).toEqual(comments);
    expect(source.warnings).toMatchObject({
      aboveSnapLength: 0,
      aboveOriginalLength: 0,
      damagedOptions: damaged,
    });
  });

  test("counts packets above snap length and original length, once, for chunks of any size", async () => {
    const file = join(
      section(),
      writer.interface({ snapLength: 4 }),
      enhanced({ data: DATA, original: 9 }),
      enhanced({ data: WHOLE, original: 3 }),
      enhanced({ data: DATA, original: 4 }),
      enhanced({ data: DATA, rawOptions: writer.u32(0x01010101) }),
    );
    const expected = { aboveSnapLength: 3, aboveOriginalLength: 2, damagedOptions: 1 };
    expect((await readWhole(file)).source.warnings).toMatchObject(expected);
    const bytes = Array.from(file, (byte) => Uint8Array.of(byte));
    expect((await readWhole(bytes)).source.warnings).toMatchObject(expected);
  });

  test.each([
    { what: "most link types", linkType: 1, length: MAX_CAPTURED, accepted: true },
    { what: "most link types", linkType: 1, length: MAX_CAPTURED + 1, accepted: false },
    {
      what: "D-Bus",
      linkType: LINKTYPE_DBUS,
      length: amount({ quick: 2_000_000, long: 20_000_000 }),
      accepted: true,
    },
  ])(
    "with a packet of $length bytes of $what: accepted is $accepted",
    async ({ linkType, length, accepted }) => {
      const data = Uint8Array.from({ length }, (_, index) => index * 13);
      const head = join(section(), writer.interface({ linkType }));
      for (const packet of [enhanced({ data }), obsolete({ data })]) {
        const outcome = await readAll(join(head, packet, enhanced({ data: DATA })));
        expect(fault(outcome)).toBe(accepted ? "no fault" : `malformed_capture@${head.length}`);
        expect(outcome.packets.map((packet) => packet.data.length / 2)).toEqual(accepted ? [length, 5] : []);
        if (accepted) expect(outcome.packets[0]?.data === Buffer.from(data).toString("hex")).toBe(true);
      }
    },
  );
});

test.each([0, 4])("decodeCapture: an interface description with %d bytes is too short", async (length) => {
  const short = little.block(INTERFACE_DESCRIPTION, new Uint8Array(length));
  const { error } = await readAll(join(start(little), short, little.enhanced()));
  expect(error).toMatchObject({ message: expect.stringContaining("interface description is too short") });
});

test("decodeCapture: accepts 65,536 interfaces over all sections, and rejects one more", async () => {
  const perSection = join(...Array.from({ length: MAX_INTERFACES / 2 }, () => little.interface()));
  const full = join(little.section(), perSection, little.section(), perSection);
  const packet = little.enhanced({ interfaceId: MAX_INTERFACES / 2 - 1, data: DATA });
  const { packets, source } = await readWhole(join(full, packet));
  expect(source.interfaces).toHaveLength(MAX_INTERFACES);
  expect(packets[0]?.interfaceId).toBe(MAX_INTERFACES - 1);
  const refused = await readAll(join(full, packet, little.interface(), packet));
  expect(refused.packets).toHaveLength(1);
  expect(fault(refused)).toBe(`malformed_capture@${full.length + packet.length}`);
});

test("decodeCapture: rejects interface descriptions above the limit of bytes", async () => {
  const comment: Option = [OPT_COMMENT, "x".repeat(65_532)];
  const large = little.interface({ options: Array.from({ length: 200 }, () => comment) });
  const fitting = Math.floor(MAX_DESCRIPTION_BYTES / large.length);
  function* file() {
    yield little.section();
    for (let index = 0; index <= fitting; index++) yield large;
  }
  const source = await decodeCapture(file()).catch((error: unknown) => error);
  expect(source).not.toBeInstanceOf(Error);
  const outcome = await readAll(Promise.resolve(source as Awaited<ReturnType<typeof decodeCapture>>));
  expect(fault(outcome)).toBe(`malformed_capture@${28 + fitting * large.length}`);
  expect(outcome.source?.interfaces).toHaveLength(fitting);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FlowscribeError } from "../../../src/errors/errors.js";
import { filterPackets } from "../../../src/packet/index.js";
import { partsBytes } from "../../../src/packet/side-blocks.js";
import { decodeCapture, encodePcapng, mergeSources } from "../../../src/pcap/index.js";
import { runs } from "../../support/amount.js";
import { type BlockWriter, blockWriter, join, type Option, pad } from "../blocks.js";
import { chunksOf, collect, encoded, readAll } from "../read.js";
import { canonicalBlocks, withoutAddedStatistics } from "./canonical-blocks.js";

/** A block that can be written in either byte order. */
type Block = (writer: BlockWriter) => Uint8Array;

/** A value as numbers of 1, 2, 4 or 8 bytes, so that it can be written in either byte order. */
type Value = readonly (readonly [bytes: 1 | 4 | 8, value: bigint])[];

const uint = (bytes: 1 | 4 | 8) =>
  fc.bigInt({ min: 0n, max: 2n ** BigInt(8 * bytes) - 1n }).map((value) => [bytes, value] as const);
const raw: fc.Arbitrary<Value> = fc.array(uint(1), { maxLength: 12 });
const numbers = (...lengths: readonly (1 | 4 | 8)[]): fc.Arbitrary<Value> => fc.tuple(...lengths.map(uint));
const string: fc.Arbitrary<Value> = fc
  .string({ unit: "grapheme", maxLength: 8 })
  .filter((text) => !text.endsWith("\0"))
  .map((text) => [...Buffer.from(text)].map((byte) => [1, BigInt(byte)] as const));
const custom = fc.tuple(uint(4), raw).map(([enterprise, rest]) => [enterprise, ...rest]);

type Options = readonly (readonly [code: number, value: Value])[];

/** Options of one block, each code once except comments. */
function optionsFrom(table: Readonly<Record<number, fc.Arbitrary<Value>>>): fc.Arbitrary<Options> {
  const all = { ...table, 2988: custom, 2989: custom, 19372: custom, 19373: custom };
  const option = fc
    .constantFrom(...Object.keys(all).map(Number))
    .chain((code) => all[code as keyof typeof all].map((value) => [code, value] as const));
  const others = fc.uniqueArray(option, { maxLength: 5, selector: ([code]) => code });
  const comments = fc.array(
    string.map((value) => [1, value] as const),
    { maxLength: 2 },
  );
  return fc.tuple(comments, others).map((lists) => lists.flat());
}

function written(writer: BlockWriter, options: Options): readonly Option[] {
  const number = {
    1: (value: bigint) => Uint8Array.of(Number(value)),
    4: (value: bigint) => writer.u32(Number(value)),
    8: writer.u64,
  };
  return options.map(([code, value]) => [code, join(...value.map(([bytes, part]) => number[bytes](part)))]);
}

const time = fc.bigInt({ min: 0n, max: 2n ** 40n });
const data = fc.uint8Array({ maxLength: 20 });
const word = numbers(4);
const long = numbers(8);

const interfaceBlock: fc.Arbitrary<Block> = optionsFrom({
  2: string,
  3: string,
  4: raw,
  8: long,
  9: fc.constantFrom(0n, 3n, 6n, 9n, 12n, 0x8an).map((unit) => [[1, unit]] as Value),
  10: word,
  12: string,
  13: raw,
  14: fc.constantFrom(0n, 5n).map((offset) => [[8, offset]] as Value),
  15: string,
  16: long,
  18: raw,
}).map((options) => (writer) => writer.interface({ options: written(writer, options) }));

const packetBlock: fc.Arbitrary<Block> = fc
  .tuple(
    time,
    data,
    optionsFrom({
      2: word,
      3: raw,
      4: long,
      5: long,
      6: word,
      7: numbers(1).map(
        () =>
          [
            [1, 1n],
            [8, 7n],
          ] as Value,
      ),
      8: numbers(4, 4),
    }),
  )
  .map(
    ([time, data, options]) =>
      (writer) =>
        writer.enhanced({ time, data, options: written(writer, options) }),
  );

const statisticsBlock: fc.Arbitrary<Block> = optionsFrom({
  2: numbers(4, 4).map(([, low]) => [[4, 1n], low!] as Value),
  4: long,
  5: long,
  6: long,
  7: long,
  8: long,
}).map((options) => (writer) => writer.statistics(0, written(writer, options)));

const namesBlock: fc.Arbitrary<Block> = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), data), { maxLength: 3 }),
    optionsFrom({ 2: string, 3: raw }),
  )
  .map(([records, options]) => (writer) => {
    const record = ([type, value]: readonly [number, Uint8Array]) =>
      join(writer.u16(type), writer.u16(value.length), pad(value));
    const end = writer.u32(0);
    return writer.block(4, join(...records.map(record), end, writer.options(written(writer, options))));
  });

const secretsBlock: fc.Arbitrary<Block> = fc.tuple(fc.nat(), data, optionsFrom({})).map(
  ([type, bytes, options]) =>
    (writer) =>
      writer.block(
        10,
        join(
          writer.u32(type),
          writer.u32(bytes.length),
          pad(bytes),
          writer.options(written(writer, options)),
        ),
      ),
);

const customBlock: fc.Arbitrary<Block> = fc.tuple(fc.constantFrom(0xbad, 0x4000_0bad), fc.nat(), data).map(
  ([type, enterprise, bytes]) =>
    (writer) =>
      writer.block(type, join(writer.u32(enterprise), pad(bytes))),
);

const journalBlock: fc.Arbitrary<Block> = data.map((bytes) => (writer) => writer.block(9, pad(bytes)));

const simpleBlock: fc.Arbitrary<Block> = data.map((bytes) => (writer) => writer.simple(bytes));

const file = fc
  .tuple(
    optionsFrom({ 2: string, 3: string, 4: string }),
    interfaceBlock,
    fc.array(
      fc.oneof(
        packetBlock,
        statisticsBlock,
        namesBlock,
        secretsBlock,
        customBlock,
        journalBlock,
        simpleBlock,
      ),
      { maxLength: 12 },
    ),
  )
  .map(
    ([options, first, blocks]) =>
      (writer: BlockWriter) =>
        join(
          writer.section({ options: written(writer, options) }),
          first(writer),
          ...blocks.map((block) => block(writer)),
        ),
  );

const little = blockWriter();
const big = blockWriter({ littleEndian: false });
const rewritten = (bytes: Uint8Array) => encoded(encodePcapng, bytes);
const isPacket = (block: string) => /^(packet|simple) /.test(block);

describe("encodePcapng: random files (property):", () => {
  test("blocks and options are equal to those of the input", async () => {
    await fc.assert(
      fc.asyncProperty(file, async (write) => {
        const input = write(little);
        const before = canonicalBlocks(input);
        expect(withoutAddedStatistics(canonicalBlocks(await rewritten(input)), before)).toEqual(before);
      }),
      { numRuns: runs(500) },
    );
  });

  test("a big-endian file gives the same bytes as the little-endian one", async () => {
    await fc.assert(
      fc.asyncProperty(file, async (write) => {
        expect(await rewritten(write(big))).toEqual(await rewritten(write(little)));
      }),
      { numRuns: runs(300) },
    );
  });

  test("filtering keeps the side blocks in order, and each before the same packets", async () => {
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 200 }), async (write, size) => {
        const input = write(little);
        const before = canonicalBlocks(input);
        let index = 0;
        const source = filterPackets(await decodeCapture(chunksOf(input, size)), () => index++ % 2 === 0);
        const after = withoutAddedStatistics(canonicalBlocks(await collect(encodePcapng(source))), before);
        let packets = 0;
        expect(after.blocks).toEqual(
          before.blocks.filter((block) => !isPacket(block) || packets++ % 2 === 0),
        );
      }),
      { numRuns: runs(200) },
    );
  });

  test("merging keeps the side blocks of each input in order, without statistics", async () => {
    await fc.assert(
      fc.asyncProperty(file, file, async (one, other) => {
        const inputs = [one(little), other(little)];
        const merged = mergeSources(await Promise.all(inputs.map((input) => decodeCapture(input))));
        const { blocks } = canonicalBlocks(await collect(encodePcapng(merged)));
        for (const input of inputs) {
          const own = canonicalBlocks(input).blocks.filter((block) => /^(names|secrets|block)/.test(block));
          // Every block of the input, in this order.
          let next = 0;
          for (const block of blocks) if (block === own[next]) next++;
          expect(own.slice(next)).toEqual([]);
        }
      }),
      { numRuns: runs(200) },
    );
  });

  test("damaged bytes give packets and blocks or a FlowscribeError", async () => {
    const damage = fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(file, fc.boolean(), damage, async (write, isLittle, changes) => {
        const input = write(isLittle ? little : big);
        for (const [at, value] of changes) input[at % input.length] = value;
        const { error } = await readAll(input);
        if (error !== undefined) expect(error).toBeInstanceOf(FlowscribeError);
        await rewritten(input).catch((fault: unknown) => expect(fault).toBeInstanceOf(FlowscribeError));
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe("decodeCapture: hostile side blocks", () => {
  const { section, block, enhanced, u32 } = little;

  test("a batch has a bounded number of blocks and bytes of blocks", async () => {
    const small = Array.from({ length: 20_000 }, () => block(9, new Uint8Array(0)));
    const large = Array.from({ length: 40 }, () => block(9, new Uint8Array(200_000)));
    const source = await decodeCapture(
      join(section(), little.interface(), ...small, ...large, enhanced({ data: Uint8Array.of(1) })),
    );
    let blocks = 0;
    for await (const batch of source) {
      expect(batch.pcapng?.blocks?.length ?? 0).toBeLessThanOrEqual(4096);
      expect(partsBytes(batch)).toBeLessThan(2 * 1024 * 1024);
      blocks += batch.pcapng?.blocks?.length ?? 0;
    }
    expect(blocks).toBe(20_040);
  });

  test("a merged batch has a bounded number of blocks, too", async () => {
    const many = () => Array.from({ length: 4000 }, () => block(9, new Uint8Array(0)));
    const input = join(
      ...[section(), little.interface()],
      ...Array.from({ length: 5 }, () => [...many(), enhanced({ data: Uint8Array.of(1) })]).flat(),
    );
    const merged = mergeSources(await Promise.all([decodeCapture(input), decodeCapture(input)]));
    let blocks = 0;
    for await (const { pcapng } of merged) {
      expect(pcapng?.blocks?.length ?? 0).toBeLessThanOrEqual(2 * 4096);
      blocks += pcapng?.blocks?.length ?? 0;
    }
    expect(blocks).toBe(40_000);
  });

  test("too many blocks before the first interface are skipped and counted", async () => {
    const many = Array.from({ length: 10_000 }, () => block(4, u32(0)));
    const { source, packets } = await readAll(
      join(section(), ...many, little.interface(), enhanced({ data: Uint8Array.of(1) })),
    );
    expect(packets).toHaveLength(1);
    const { notPreserved, pcapngOnly } = source!.warnings;
    expect(pcapngOnly.nameResolution).toBe(4096);
    expect(notPreserved.nameResolution).toBe(10_000 - 4096);
  });

  test("a block above 16 MiB is skipped without memory for it, and counted", async () => {
    const head = join(section(), little.interface(), u32(9), u32(20 * 1024 * 1024));
    const body = new Uint8Array(1024 * 1024);
    function* chunks() {
      yield head;
      for (let index = 0; index < 19; index++) yield body;
      yield body.subarray(12);
      yield u32(20 * 1024 * 1024);
      yield enhanced({ data: Uint8Array.of(1) });
    }
    const { source, packets, error } = await readAll(chunks());
    expect(error).toBeUndefined();
    expect(packets).toHaveLength(1);
    expect(source?.warnings.notPreserved.otherBlocks).toBe(1);
  });
});

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { CHUNK_BYTES } from "../../src/bytes/byte-input.js";
import { decodeCapture } from "../../src/pcap/index.js";
import { InputBuffer } from "../../src/pcap/input-buffer.js";
import {
  blockWriter,
  CUSTOM,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  join,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from "./blocks.js";
import { pcapHeader, pcapRecord } from "./pcap-file.js";
import { bytesOf, dataOf, fault, readAll, readWhole } from "./read.js";

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;
const LINKTYPE_DBUS = 231;
const DATA = bytesOf("0102030405");
const { block, section, interface: describeInterface, enhanced, u16, u32 } = blockWriter();

const head = join(section(), describeInterface({ linkType: LINKTYPE_DBUS }), enhanced({ data: DATA }));
const pcapHead = join(pcapHeader({ linkType: LINKTYPE_DBUS }), pcapRecord({ data: DATA }));

describe("decodeCapture: a length that the file claims but does not contain allocates no memory:", () => {
  const huge = 128 * MEBIBYTE;
  test.each([
    {
      what: "a pcap record within the bound",
      bytes: join(pcapHead, pcapRecord({ lengths: [huge, huge], data: DATA })),
    },
    {
      what: "a pcap record above it",
      bytes: join(pcapHead, pcapRecord({ lengths: [0xffff_ffff, 60], data: DATA })),
    },
    {
      what: "a packet block within the bound",
      bytes: join(head, block(ENHANCED_PACKET, new Uint8Array(40), { length: huge })),
    },
    {
      what: "a packet block above it",
      bytes: join(head, block(ENHANCED_PACKET, new Uint8Array(40), { length: 0xffff_fffc })),
    },
    {
      what: "a simple packet",
      bytes: join(head, block(SIMPLE_PACKET, new Uint8Array(40), { length: 16 * MEBIBYTE })),
    },
    {
      what: "an interface",
      bytes: join(head, block(INTERFACE_DESCRIPTION, new Uint8Array(40), { length: 16 * MEBIBYTE })),
    },
    {
      what: "a section header",
      bytes: join(head, block(SECTION_HEADER, section().subarray(8, 24), { length: 16 * MEBIBYTE })),
    },
    {
      what: "an unknown block",
      bytes: join(head, block(CUSTOM, new Uint8Array(40), { length: 0xffff_fffc })),
    },
    {
      what: "an option",
      bytes: join(head, enhanced({ rawOptions: join(u16(1), u16(0xffff), DATA) })).subarray(0, -3),
    },
    {
      what: "a snap length",
      bytes: join(pcapHeader({ snapLength: 0xffff_ffff }), pcapRecord({ data: DATA })).subarray(0, -1),
    },
  ])("$what", async ({ bytes }) => {
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const outcome = await readAll(
      (function* () {
        yield bytes;
        most = process.memoryUsage().arrayBuffers;
      })(),
    );
    expect(outcome.error).toMatchObject({ code: expect.stringMatching(/^(truncated|malformed)_capture$/) });
    expect(most - before).toBeLessThan(4 * MEBIBYTE);
  });

  test("InputBuffer: doubles only when it is full of unread bytes", () => {
    const buffer = new InputBuffer();
    /** Reads some bytes; returns the size of the free memory that the input was given. */
    function read(bytes: number): number {
      let free = 0;
      buffer.readFrom({
        readInto: (space) => {
          free = space.length;
          return bytes;
        },
      });
      return free;
    }
    expect(read(0)).toBe(CHUNK_BYTES);
    expect(read(CHUNK_BYTES - 1)).toBe(CHUNK_BYTES);
    expect(read(0)).toBe(1);
    expect(buffer.bytes).toHaveLength(CHUNK_BYTES);
    buffer.bytes[CHUNK_BYTES - 2] = 7;
    read(1);
    expect(read(0)).toBe(CHUNK_BYTES);
    expect(buffer.bytes[CHUNK_BYTES - 2]).toBe(7);
    buffer.start = CHUNK_BYTES - 2;
    expect([buffer.position, buffer.available]).toEqual([CHUNK_BYTES - 2, 2]);
    expect(read(0)).toBe(2 * CHUNK_BYTES - 2);
    expect([buffer.position, buffer.available, buffer.bytes[0]]).toEqual([CHUNK_BYTES - 2, 2, 7]);
  });
});

describe("decodeCapture: skipped blocks are not kept in memory:", () => {
  test("an unknown block of a gigabyte, between packets", async () => {
    const zeros = new Uint8Array(MEBIBYTE);
    const growth = growthWatch();
    function* file() {
      yield join(head, u32(CUSTOM), u32(GIBIBYTE + 12));
      for (let count = 0; count < 1024; count++) {
        if (count % 64 === 0) growth.look();
        yield zeros;
      }
      yield join(u32(GIBIBYTE + 12), enhanced({ data: bytesOf("bb") }));
    }
    expect(dataOf((await readWhole(file())).packets)).toEqual(["0102030405", "bb"]);
    expect(growth.most()).toBeLessThan(8 * MEBIBYTE);
  });

  test("a truncated one is reported with its offset", async () => {
    const outcome = await readAll([join(head, u32(CUSTOM), u32(GIBIBYTE)), new Uint8Array(5 * MEBIBYTE)]);
    expect(dataOf(outcome.packets)).toEqual(["0102030405"]);
    expect(fault(outcome)).toBe(`truncated_capture@${head.length + 8 + 5 * MEBIBYTE}`);
  });

  test.each([
    { what: "one block in half a million chunks", blocks: false },
    { what: "half a million blocks", blocks: true },
  ])("$what, without a packet between them", async ({ blocks }) => {
    const count = 500_000;
    const chunk = blocks ? block(CUSTOM, new Uint8Array(0)) : new Uint8Array(1);
    const growth = growthWatch();
    function* file() {
      yield head;
      if (!blocks) yield join(u32(CUSTOM), u32(count + 12));
      for (let index = 0; index < count; index++) {
        if (index % 100_000 === 1) growth.look();
        yield chunk;
      }
      growth.look();
      if (!blocks) yield u32(count + 12);
      yield enhanced({ data: bytesOf("bb") });
    }
    expect(dataOf((await readWhole(file())).packets)).toEqual(["0102030405", "bb"]);
    expect(growth.most()).toBeLessThan(8 * MEBIBYTE);
  });
});

test("decodeCapture: does not keep yielded packets in memory", async () => {
  const record = pcapRecord({ data: new Uint8Array(1000) });
  const chunk = join(...Array.from({ length: 1000 }, () => record));
  const growth = growthWatch();
  function* file() {
    yield pcapHeader();
    for (let index = 0; index < 200; index++) {
      if (index % 20 === 0) growth.look();
      yield chunk;
    }
  }
  const source = await decodeCapture(file());
  let packets = 0;
  for await (const { length } of source) packets += length;
  expect(packets).toBe(200_000);
  // Of 200: freed memory is given back a little later.
  expect(growth.most()).toBeLessThan(64 * MEBIBYTE);
});

/** The most memory that was reachable at any look, above that at the beginning. */
function growthWatch() {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const reachable = () => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = reachable();
  let most = 0;
  return {
    look: () => {
      most = Math.max(most, reachable() - before);
    },
    most: () => most,
  };
}

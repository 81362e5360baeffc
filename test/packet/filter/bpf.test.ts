import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BPF_INSTRUCTION_LENGTH, loadBpf } from "../../../src/packet/filter/bpf.js";

type Instruction = readonly [code: number, jt: number, jf: number, k: number];

function programOf(...instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * BPF_INSTRUCTION_LENGTH);
  const view = new DataView(bytes.buffer);
  instructions.forEach(([code, jt, jf, k], index) => {
    const at = index * BPF_INSTRUCTION_LENGTH;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  });
  return bytes;
}

const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const LOAD_LENGTH = 0x80;
const LOAD_CONSTANT = 0x00;
const LOAD_X = 0x01;
const LOAD_HEADER_LENGTH = 0xb1;
const LOAD_BYTE_AT_X = 0x50;
const STORE = 0x02;
const STORE_X = 0x03;
const LOAD_MEMORY = 0x60;
const LOAD_X_MEMORY = 0x61;
const TO_X = 0x07;
const TO_A = 0x87;
const EQUAL = 0x15;
const GREATER = 0x25;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;
const JUMP = 0x05;
const RETURN = 0x06;
const RETURN_A = 0x16;
const ACCEPT: Instruction = [RETURN, 0, 0, 1];
const REJECT: Instruction = [RETURN, 0, 0, 0];

/** Accepts if A has the expected value at the end. */
const ifEqual = (k: number): readonly Instruction[] => [[EQUAL, 0, 1, k], ACCEPT, REJECT];
const PACKET = Uint8Array.of(0xff, 0x45, 0x01, 0x02, 0x83, 0x04, 0xff);

/** The packet is the middle of the bytes. */
function accepts(...instructions: readonly Instruction[]): boolean {
  return loadBpf(programOf(...instructions), true)(PACKET, 1, 6, 99);
}

describe("loadBpf: instructions", () => {
  test.each<{ name: string; before: readonly Instruction[]; a: number }>([
    { name: "loads a byte", before: [[LOAD_BYTE, 0, 0, 3]], a: 0x83 },
    { name: "loads two bytes", before: [[LOAD_HALF, 0, 0, 3]], a: 0x8304 },
    { name: "loads four bytes, unsigned", before: [[LOAD_WORD, 0, 0, 1]], a: 0x01028304 },
    { name: "loads the length on the wire", before: [[LOAD_LENGTH, 0, 0, 0]], a: 99 },
    { name: "loads a constant", before: [[LOAD_CONSTANT, 0, 0, 0xffffffff]], a: 0xffffffff },
    {
      name: "loads at an offset from X",
      before: [
        [LOAD_X, 0, 0, 2],
        [LOAD_BYTE_AT_X, 0, 0, 1],
      ],
      a: 0x83,
    },
    {
      name: "loads the length of an IPv4 header",
      before: [
        [LOAD_HEADER_LENGTH, 0, 0, 0],
        [TO_A, 0, 0, 0],
      ],
      a: 20,
    },
    {
      name: "stores and loads A",
      before: [
        [LOAD_BYTE, 0, 0, 1],
        [STORE, 0, 0, 15],
        [LOAD_CONSTANT, 0, 0, 0],
        [LOAD_MEMORY, 0, 0, 15],
      ],
      a: 1,
    },
    {
      name: "stores and loads X",
      before: [
        [LOAD_X, 0, 0, 7],
        [STORE_X, 0, 0, 0],
        [LOAD_X, 0, 0, 1],
        [LOAD_X_MEMORY, 0, 0, 0],
        [TO_A, 0, 0, 0],
      ],
      a: 7,
    },
    {
      name: "finds memory empty",
      before: [
        [LOAD_CONSTANT, 0, 0, 5],
        [LOAD_MEMORY, 0, 0, 3],
      ],
      a: 0,
    },
    {
      name: "jumps",
      before: [
        [LOAD_CONSTANT, 0, 0, 1],
        [JUMP, 0, 0, 1],
        [LOAD_CONSTANT, 0, 0, 2],
      ],
      a: 1,
    },
    ...[
      { name: "adds", code: 0x04, k: 3, a: 2 },
      { name: "subtracts", code: 0x14, k: 0x7fffffff, a: 0x80000000 },
      { name: "multiplies", code: 0x24, k: 0xffffffff, a: 1 },
      { name: "divides", code: 0x34, k: 2, a: 0x7fffffff },
      { name: "ors", code: 0x44, k: 1, a: 0xffffffff },
      { name: "ands", code: 0x54, k: 0x80000001, a: 0x80000001 },
      { name: "shifts left", code: 0x64, k: 31, a: 0x80000000 },
      { name: "shifts right", code: 0x74, k: 31, a: 1 },
      { name: "shifts everything out", code: 0x64, k: 32, a: 0 },
      { name: "negates", code: 0x84, k: 0, a: 1 },
      { name: "computes the remainder", code: 0x94, k: 16, a: 15 },
      { name: "xors", code: 0xa4, k: 0xff, a: 0xffffff00 },
    ].map(({ name, code, k, a }) => ({
      name,
      before: [
        [LOAD_CONSTANT, 0, 0, 0xffffffff],
        [code, 0, 0, k],
      ] as const,
      a,
    })),
    {
      name: "adds X",
      before: [
        [LOAD_CONSTANT, 0, 0, 5],
        [TO_X, 0, 0, 0],
        [0x0c, 0, 0, 0],
      ],
      a: 10,
    },
  ])("$name", ({ before, a }) => {
    expect(accepts(...before, ...ifEqual(a))).toBe(true);
    expect(accepts(...before, ...ifEqual((a + 1) >>> 0))).toBe(false);
  });

  test.each([
    { name: "equal", code: EQUAL, k: 5, holds: true },
    { name: "greater than itself", code: GREATER, k: 5, holds: false },
    { name: "greater", code: GREATER, k: 4, holds: true },
    { name: "at least", code: AT_LEAST, k: 5, holds: true },
    { name: "at least, unsigned", code: AT_LEAST, k: 0x80000000, holds: false },
    { name: "some bit", code: ANY_BIT, k: 4, holds: true },
    { name: "no bit", code: ANY_BIT, k: 2, holds: false },
  ])("5 is $name: $holds", ({ code, k, holds }) => {
    expect(accepts([LOAD_CONSTANT, 0, 0, 5], [code, 0, 1, k], ACCEPT, REJECT)).toBe(holds);
  });

  test.each<{ name: string; before: readonly Instruction[] }>([
    { name: "a load after the captured bytes", before: [[LOAD_BYTE, 0, 0, 5]] },
    { name: "a load across the end of the captured bytes", before: [[LOAD_WORD, 0, 0, 2]] },
    {
      name: "a load far after the captured bytes",
      before: [
        [LOAD_X, 0, 0, 0xffffffff],
        [LOAD_BYTE_AT_X, 0, 0, 0xffffffff],
      ],
    },
    { name: "a header length after the captured bytes", before: [[LOAD_HEADER_LENGTH, 0, 0, 5]] },
    { name: "a division by 0", before: [[0x34, 0, 0, 0]] },
    { name: "a remainder by 0", before: [[0x9c, 0, 0, 0]] },
    { name: "returning an A of 0", before: [[RETURN_A, 0, 0, 0]] },
  ])("$name ends without a match", ({ before }) => {
    expect(accepts(...before, ACCEPT)).toBe(false);
  });
});

describe("loadBpf: jumps back", () => {
  /** `tcpdump -y EN10MB -ddd "ip6 protochain 17"` of libpcap 1.10.3. */
  const PROTOCHAIN = programOf(
    ...(
      "40 0 0 12;21 0 33 34525;48 0 0 20;1 0 0 40;21 27 0 17;21 26 0 59;21 3 0 0;21 2 0 60;21 1 0 43;21 0 9 44;80 0 0 14;2 0 0 0;80 0 0 15;" +
      "4 0 0 1;36 0 0 8;12 0 0 0;7 0 0 0;96 0 0 0;5 0 0 4294967281;21 0 12 51;135 0 0 0;80 0 0 14;2 0 0 0;135 0 0 0;4 0 0 1;7 0 0 0;" +
      "80 0 0 14;4 0 0 2;36 0 0 4;7 0 0 0;96 0 0 0;5 0 0 4294967268;4 0 0 0;21 0 1 17;6 0 0 262144;6 0 0 0"
    )
      .split(";")
      // Four numbers each.
      .map((line) => line.split(" ").map(Number) as unknown as Instruction),
  );
  const HOP_BY_HOP = 0;
  const DESTINATION = 60;
  const TCP = 6;
  const UDP = 17;

  /** An IPv6 packet over Ethernet with extension headers of 8 bytes. */
  function packetOf(...headers: readonly number[]): Uint8Array {
    const [first = UDP] = headers;
    const bytes = [...new Array<number>(12).fill(0), 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, first, 64];
    bytes.push(...new Array<number>(32).fill(0));
    for (const next of headers.slice(1)) bytes.push(next, 0, 0, 0, 0, 0, 0, 0);
    return Uint8Array.from([...bytes, 0, 53, 0, 53, 0, 8, 0, 0]);
  }

  test.each([
    { name: "no extension header", headers: [UDP], matches: true },
    { name: "one extension header", headers: [HOP_BY_HOP, UDP], matches: true },
    {
      name: "several kinds of extension headers",
      headers: [HOP_BY_HOP, DESTINATION, 43, UDP],
      matches: true,
    },
    {
      name: "a hundred extension headers",
      headers: [...new Array<number>(100).fill(DESTINATION), UDP],
      matches: true,
    },
    { name: "another protocol", headers: [HOP_BY_HOP, TCP], matches: false },
    {
      name: "extension headers up to the end of the packet and beyond",
      headers: new Array<number>(5).fill(DESTINATION),
      matches: false,
    },
  ])("ip6 protochain 17 with $name: $matches", ({ headers, matches }) => {
    const packet = packetOf(...headers);
    expect(loadBpf(PROTOCHAIN, true)(packet, 0, packet.length, packet.length)).toBe(matches);
  });

  test("end without a match in a loop that does not advance", () => {
    expect(accepts([LOAD_CONSTANT, 0, 0, 1], [JUMP, 0, 0, 0xffffffff], ACCEPT)).toBe(false);
  });
});

describe("loadBpf: rejects a program that", () => {
  test.each<{ name: string; instructions: readonly Instruction[]; message: RegExp }>([
    { name: "is empty", instructions: [], message: /0 instructions/ },
    { name: "has no return", instructions: [[LOAD_CONSTANT, 0, 0, 0]], message: /leads out/ },
    { name: "jumps out", instructions: [[JUMP, 0, 0, 1], ACCEPT], message: /leads out/ },
    { name: "jumps far out", instructions: [[JUMP, 0, 0, 0x7fffffff], ACCEPT], message: /leads out/ },
    { name: "jumps back out", instructions: [[JUMP, 0, 0, 0xfffffffe], ACCEPT], message: /leads out/ },
    { name: "branches out", instructions: [[EQUAL, 0, 1, 0], ACCEPT], message: /leads out/ },
    {
      name: "stores outside of memory",
      instructions: [[STORE, 0, 0, 16], ACCEPT],
      message: /invalid instruction/,
    },
    {
      name: "has an unknown code",
      instructions: [[0xffff, 0, 0, 0], ACCEPT],
      message: /invalid instruction 0: 0xffff/,
    },
  ])("$name", ({ instructions, message }) => {
    expect(() => loadBpf(programOf(...instructions), true)).toThrow(message);
  });

  test("loadBpf: rejects or runs to the end programs of any bytes", () => {
    const instruction = fc.tuple(
      fc.nat(0xbf),
      fc.nat(3),
      fc.nat(3),
      fc.oneof(fc.nat(20), fc.nat(0xffffffff)),
    );
    fc.assert(
      fc.property(
        fc.array(instruction, { maxLength: 12 }),
        fc.uint8Array({ maxLength: 30 }),
        (list, packet) => {
          let matches: ReturnType<typeof loadBpf>;
          try {
            matches = loadBpf(programOf(...list, ACCEPT), true);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          expect(typeof matches(packet, 0, packet.length, packet.length)).toBe("boolean");
        },
      ),
    );
  });
});

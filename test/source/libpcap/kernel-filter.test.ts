import { expect, test } from "vitest";
import { chainPrograms } from "../../../src/source/libpcap/kernel-filter.js";

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

const LOAD_BYTE = 0x30;
const JUMP_EQUAL = 0x15;
const JUMP = 0x05;
const RETURN = 0x06;

function assemble(...instructions: Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  instructions.forEach(([code, jumpTrue, jumpFalse, k], index) => {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jumpTrue);
    view.setUint8(8 * index + 3, jumpFalse);
    view.setUint32(8 * index + 4, k, true);
  });
  return bytes;
}

/** Runs the instructions of {@link byteIs} as the kernel would. */
function run(program: Uint8Array, packet: Uint8Array): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let index = 0; ; index++) {
    const k = view.getUint32(8 * index + 4, true);
    switch (view.getUint16(8 * index, true)) {
      case LOAD_BYTE:
        accumulator = packet[k] ?? 0;
        break;
      case JUMP_EQUAL:
        index += view.getUint8(8 * index + (accumulator === k ? 2 : 3));
        break;
      case JUMP:
        index += k;
        break;
      case RETURN:
        return k;
      default:
        throw new Error(`instruction ${index}`);
    }
  }
}

/** Accepts `length` bytes of a packet whose byte has this value. */
const byteIs = (offset: number, value: number, length: number) =>
  assemble([LOAD_BYTE, 0, 0, offset], [JUMP_EQUAL, 0, 1, value], [RETURN, 0, 0, length], [RETURN, 0, 0, 0]);
/** The same, with the two returns swapped. */
const byteIsNot = (offset: number, value: number, length: number) =>
  assemble([LOAD_BYTE, 0, 0, offset], [JUMP_EQUAL, 0, 1, value], [RETURN, 0, 0, 0], [RETURN, 0, 0, length]);
const everything = assemble([RETURN, 0, 0, 500]);

test.each([
  { name: "both match", first: byteIs(0, 1, 100), second: byteIs(1, 2, 200), length: 200 },
  { name: "only the first matches", first: byteIs(0, 1, 100), second: byteIs(1, 3, 200), length: 0 },
  { name: "only the second matches", first: byteIs(0, 2, 100), second: byteIs(1, 2, 200), length: 0 },
  { name: "neither matches", first: byteIs(0, 2, 100), second: byteIs(1, 3, 200), length: 0 },
  {
    name: "the match is the last instruction",
    first: byteIsNot(0, 9, 100),
    second: byteIs(1, 2, 200),
    length: 200,
  },
  { name: "the first accepts everything", first: everything, second: byteIs(1, 2, 200), length: 200 },
  { name: "the second accepts everything", first: byteIs(0, 1, 100), second: everything, length: 500 },
  {
    name: "three programs",
    first: chainPrograms(everything, byteIs(0, 1, 100)),
    second: byteIs(1, 2, 9),
    length: 9,
  },
])("chainPrograms: $name", ({ first, second, length }) => {
  const before = first.slice();
  expect(run(chainPrograms(first, second), Uint8Array.of(1, 2))).toBe(length);
  expect(first).toEqual(before);
});

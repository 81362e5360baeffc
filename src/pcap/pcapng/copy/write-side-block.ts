import { type Resolution, unitsPerSecond } from "../../../packet/record-header.js";
import type { SideBlock } from "../../../packet/side-blocks.js";
import type { CaptureInterface } from "../../../packet/source.js";
import type { BlockWriter } from "../block-writer.js";
import {
  BLOCK_BODY,
  INTERFACE_STATISTICS,
  ISB,
  ISB_END_TIME,
  ISB_START_TIME,
  OPT_END,
  OPTION_HEADER_LENGTH,
  padded,
} from "../format.js";

const OPTIONS_AT = ISB.options - BLOCK_BODY;
const TIME_BYTES = 8;
/** Above every time in the largest unit that the conversion below can represent. */
const END_OF_TIME = 1n << 64n;

/** Writes a block that is not a packet. */
export function writeSideBlock(
  writer: BlockWriter,
  block: SideBlock,
  described: readonly CaptureInterface[],
): void {
  const at = writer.openBlock(block.type, BLOCK_BODY);
  const bodyAt = writer.reserve(block.body.length);
  writer.bytes.set(block.body, bodyAt);
  const interfaceId = statisticsOf(block);
  const resolution = interfaceId === undefined ? undefined : described[interfaceId]?.resolution;
  if (block.resolution !== undefined && resolution !== undefined && resolution !== block.resolution)
    convertTimes(writer, bodyAt, block.body.length, block.resolution, resolution);
  writer.closeBlock(at);
}

/** The number of the interface whose statistics a block contains; undefined for another block. */
export function statisticsOf({ type, body }: SideBlock): number | undefined {
  if (type !== INTERFACE_STATISTICS || body.length < OPTIONS_AT) return undefined;
  return new DataView(body.buffer, body.byteOffset).getUint32(ISB.interfaceId - BLOCK_BODY, true);
}

/** Converts the times of statistics to another unit, because those of the packets were converted. */
function convertTimes(
  { view }: BlockWriter,
  at: number,
  length: number,
  from: Resolution,
  to: Resolution,
): void {
  convertTime(view, at + ISB.timeHigh - BLOCK_BODY, from, to);
  for (let option = at + OPTIONS_AT; option + OPTION_HEADER_LENGTH <= at + length; ) {
    const code = view.getUint16(option, true);
    const valueLength = view.getUint16(option + 2, true);
    if (code === OPT_END) return;
    if ((code === ISB_START_TIME || code === ISB_END_TIME) && valueLength === TIME_BYTES)
      convertTime(view, option + OPTION_HEADER_LENGTH, from, to);
    option += OPTION_HEADER_LENGTH + padded(valueLength);
  }
}

function convertTime(view: DataView, at: number, from: Resolution, to: Resolution): void {
  const units = (BigInt(view.getUint32(at, true)) << 32n) | BigInt(view.getUint32(at + 4, true));
  const converted = (units * BigInt(unitsPerSecond(to))) / BigInt(unitsPerSecond(from));
  // As in a block whose time is unknown.
  const written = converted < END_OF_TIME ? converted : 0n;
  view.setUint32(at, Number(written >> 32n), true);
  view.setUint32(at + 4, Number(written & 0xffff_ffffn), true);
}

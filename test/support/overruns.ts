import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/**
 * Whether a nested message of a valid message ends elsewhere than its length says. protobuf-es accepts it and continues
 * after the last field that it read; whoever skips the message does not notice.
 */
export function hasOverrun(schema: DescMessage, bytes: Uint8Array): boolean {
  return walk(schema, new BinaryReader(bytes), bytes.length);
}

function walk(schema: DescMessage, reader: BinaryReader, end: number): boolean {
  let found = false;
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = schema.fields.find((one) => one.number === number);
    if (field === undefined) reader.skip(wireType, number);
    else if (field.message !== undefined) {
      const length = reader.uint32();
      const nestedEnd = reader.pos + length;
      found = walk(field.message, reader, nestedEnd) || found;
      found ||= reader.pos !== nestedEnd;
    } else if (field.fieldKind === "enum") reader.int32();
    // Types that the messages of flows do not have are not needed: all others are varints or have a length.
    else if (field.scalar === 9 || field.scalar === 12) reader.bytes();
    else reader.int64();
  }
  return found;
}

// Removes the description of the recording machine from a pcapng file: hardware and operating system
// of the section, operating system of the interfaces. Everything else stays as it is.
// Usage: node clean-pcapng.mjs <input> <output>   (little-endian files)
import { readFileSync, writeFileSync } from "node:fs";

const SECTION = 0x0a0d0d0a;
const INTERFACE = 0x00000001;
// Block type: where its options begin, and the codes of the options to remove.
const rules = new Map([
  [SECTION, { optionsAt: 24, remove: [2, 3] }], // shb_hardware, shb_os
  [INTERFACE, { optionsAt: 16, remove: [12] }], // if_os
]);

function cleanBlock(block, { optionsAt, remove }) {
  const parts = [block.subarray(0, optionsAt)];
  const end = block.length - 4;
  for (let at = optionsAt; at < end; ) {
    const code = block.readUInt16LE(at);
    const next = at + 4 + Math.ceil(block.readUInt16LE(at + 2) / 4) * 4;
    if (!remove.includes(code)) parts.push(block.subarray(at, next));
    at = next;
  }
  parts.push(Buffer.alloc(4));
  const cleaned = Buffer.concat(parts);
  cleaned.writeUInt32LE(cleaned.length, 4);
  cleaned.writeUInt32LE(cleaned.length, cleaned.length - 4);
  return cleaned;
}

const [input, output] = process.argv.slice(2);
const file = readFileSync(input);
if (file.readUInt32LE(8) !== 0x1a2b3c4d) throw new Error(`${input}: not a little-endian pcapng file`);

const blocks = [];
for (let at = 0; at < file.length; ) {
  const length = file.readUInt32LE(at + 4);
  const block = file.subarray(at, at + length);
  const rule = rules.get(block.readUInt32LE(0));
  const done = rule ? cleanBlock(block, rule) : block;
  if (block.readUInt32LE(0) === SECTION) done.writeBigInt64LE(-1n, 16); // the section's length is now unknown
  blocks.push(done);
  at += length;
}
writeFileSync(output, Buffer.concat(blocks));

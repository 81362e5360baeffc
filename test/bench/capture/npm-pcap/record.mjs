/**
 * Records what an interface receives with the npm package `pcap`: `record.mjs <device> <path> stream|blocks`. With `stream` as one
 * writes a file in Node, packet by packet to a write stream; with `blocks` as fast as it can be had, by the megabyte, past the event
 * loop. Says READY when the recording has begun; SIGINT ends it, and what was captured and lost is printed.
 */
import { closeSync, createWriteStream, openSync, writeSync } from "node:fs";
import pcap from "pcap";

const HEADER_LENGTH = 16;
const CAPTURED_LENGTH_AT = 8;
const BLOCK = 1 << 20;
/** As the other programs: a second, which is the package's own choice, holds packets back for that long. */
const BUFFER_TIMEOUT_MS = 10;

const [device, path, mode] = process.argv.slice(2);
const file = mode === "stream" ? toStream() : inBlocks();
file.append(fileHeader(), 24);
let captured = 0;

const session = pcap.createSession(device, { buffer_timeout: BUFFER_TIMEOUT_MS });
session.on("packet", ({ buf, header }) => {
  file.append(header, HEADER_LENGTH, buf, header.readUInt32LE(CAPTURED_LENGTH_AT));
  captured++;
});
process.once("SIGINT", () => {
  const { ps_drop: lost } = session.stats();
  session.close();
  file.end(() => {
    console.log(JSON.stringify({ captured, lost }));
    // What the package polls stays open when a session is closed.
    process.exit();
  });
});
console.log("READY");

function toStream() {
  const stream = createWriteStream(path);
  return {
    append: (header, headerLength, data, length = 0) => {
      const record = Buffer.allocUnsafe(headerLength + length);
      header.copy(record);
      data?.copy(record, headerLength, 0, length);
      stream.write(record);
    },
    end: (done) => stream.end(done),
  };
}

function inBlocks() {
  const descriptor = openSync(path, "w");
  const block = Buffer.allocUnsafe(BLOCK);
  let filled = 0;
  const flush = () => {
    writeSync(descriptor, block, 0, filled);
    filled = 0;
  };
  return {
    append: (header, headerLength, data, length = 0) => {
      if (filled + headerLength + length > BLOCK) flush();
      header.copy(block, filled);
      data?.copy(block, filled + headerLength, 0, length);
      filled += headerLength + length;
    },
    end: (done) => {
      flush();
      closeSync(descriptor);
      done();
    },
  };
}

/** Little-endian, microseconds, Ethernet: what the package's own headers are. */
function fileHeader() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

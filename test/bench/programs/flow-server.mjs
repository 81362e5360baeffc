// Serves GetFlows from the corpus as gRPC, the messages encoded beforehand: so that a reader is what is measured.
// Prints the port. Arguments: flows to send for each call.

import { readFileSync } from "node:fs";
import { createServer } from "node:http2";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const count = Number(process.argv[2]);
const bytes = gunzipSync(readFileSync(join(import.meta.dirname, "../../vectors/bench/flows.binpb.gz")));

function varint(value) {
  const out = [];
  for (; value > 0x7f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return Buffer.from([...out, value]);
}

// Tag 1000, the node name, and 1001, the time, as Hubble sends them with each flow.
const node = Buffer.from("kind-worker/node-1");
const trailer = Buffer.concat([Buffer.from([0xc2, 0x3e]), varint(node.length), node]);

const messages = [];
for (let at = 0; at < bytes.length; ) {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const flow = bytes.subarray(at, at + length);
  at += length;
  const message = Buffer.concat([Buffer.from([0x0a]), varint(flow.length), flow, trailer]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  messages.push(header, message);
}
const corpus = Buffer.concat(messages);
const rounds = Math.ceil(count / (messages.length / 2));

const server = createServer();
server.on("stream", (stream) => {
  stream.on("error", () => {});
  stream.resume();
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  let round = 0;
  function send() {
    while (round < rounds) {
      round++;
      if (!stream.write(corpus)) return stream.once("drain", send);
    }
    stream.end();
  }
  send();
});
// Goes when the one that started it does.
process.stdin.on("end", () => process.exit()).resume();
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

// Frames of HTTP/2 (RFC 9113), headers of HPACK (RFC 7541) and messages of gRPC, written by hand so that a test can break each rule of them.

/** `type` of a frame: RFC 9113, section 6. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FLAG = { ACK: 1, END_STREAM: 1, END_HEADERS: 4 } as const;

/** Error codes of RST_STREAM and GOAWAY: RFC 9113, section 7, and one that no RFC defines. */
export const HTTP2_CODES = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
  "an unknown code": 0xbad,
} as const;

export type Http2CodeName = keyof typeof HTTP2_CODES;

export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const FRAME_HEADER_BYTES = 9;

/** A frame; `length` is the length in its header if that is wrong on purpose. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
  length = payload.length,
): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

export function settings(values: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(6 * values.length);
  values.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  });
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

export function settingsAck(): Buffer {
  return frame(FRAME.SETTINGS, FLAG.ACK, 0);
}

export function ping(data: string, { ack = false } = {}): Buffer {
  return frame(FRAME.PING, ack ? FLAG.ACK : 0, 0, Buffer.from(data.padEnd(8, "-"), "latin1"));
}

export function goaway(lastStreamId: number, code: number, debugData = ""): Buffer {
  return frame(
    FRAME.GOAWAY,
    0,
    0,
    Buffer.concat([uint32(lastStreamId), uint32(code), Buffer.from(debugData)]),
  );
}

export function rstStream(streamId: number, code: number): Buffer {
  return frame(FRAME.RST_STREAM, 0, streamId, uint32(code));
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FRAME.WINDOW_UPDATE, 0, streamId, uint32(increment));
}

export function headers(
  streamId: number,
  fields: Readonly<Record<string, string>>,
  { endStream = false, endHeaders = true } = {},
): Buffer {
  const flags = (endStream ? FLAG.END_STREAM : 0) | (endHeaders ? FLAG.END_HEADERS : 0);
  return frame(FRAME.HEADERS, flags, streamId, headerBlock(fields));
}

export function continuation(streamId: number, fields: Readonly<Record<string, string>>): Buffer {
  return frame(FRAME.CONTINUATION, 0, streamId, headerBlock(fields));
}

export function data(streamId: number, payload: Uint8Array, { endStream = false } = {}): Buffer {
  return frame(FRAME.DATA, endStream ? FLAG.END_STREAM : 0, streamId, payload);
}

/** A message of gRPC: a flag, four bytes of length, and the message. */
export function grpcMessage(
  message: Uint8Array,
  { compressed = false, length = message.length } = {},
): Buffer {
  return Buffer.concat([Buffer.from([compressed ? 1 : 0]), uint32(length), message]);
}

export const RESPONSE_HEADERS = { ":status": "200", "content-type": "application/grpc" } as const;

export function trailers(streamId: number, status = "0", message?: string): Buffer {
  const fields = { "grpc-status": status, ...(message !== undefined && { "grpc-message": message }) };
  return headers(streamId, fields, { endStream: true });
}

/** A response that consists of a status only. */
export function trailersOnly(streamId: number, status: string, message = ""): Buffer {
  const fields = { ...RESPONSE_HEADERS, "grpc-status": status, "grpc-message": message };
  return headers(streamId, fields, { endStream: true });
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Literal fields that are not indexed (RFC 7541, section 6.2.2), without Huffman coding. */
function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const length: number[] = [];
  // An integer with a prefix of seven bits: RFC 7541, section 5.1.
  if (bytes.length < 0x7f) length.push(bytes.length);
  else {
    length.push(0x7f);
    let rest = bytes.length - 0x7f;
    for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** The codes of RFC 7541, appendix B, for the characters of the paths in use. */
const HUFFMAN: Readonly<Record<string, string>> = {
  ".": "010111",
  "/": "011000",
  "1": "00001",
  a: "00011",
  b: "100011",
  c: "00100",
  d: "100100",
  e: "00101",
  f: "100101",
  g: "100110",
  h: "100111",
  i: "00110",
  k: "1110101",
  l: "101000",
  n: "101010",
  o: "00111",
  p: "101011",
  r: "101100",
  s: "01000",
  t: "01001",
  u: "101101",
  v: "1110111",
  w: "1111000",
  C: "1011110",
  F: "1100001",
  G: "1100010",
  H: "1100011",
  O: "1101010",
  R: "1101101",
  S: "1101110",
};

/** A path as clients send it, to be searched for in a block of headers: no client indexes `:path`, and the code begins at a byte. */
export function huffman(path: string): Buffer {
  let bits = "";
  for (const character of path) bits += HUFFMAN[character] ?? missing(character);
  bits = bits.padEnd(8 * Math.ceil(bits.length / 8), "1");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

function missing(character: string): never {
  throw new Error(`no Huffman code for ${JSON.stringify(character)}`);
}

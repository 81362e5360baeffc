// A small DNS responder (RFC 1035, EDNS of RFC 6891) over UDP and TCP for the sample capture.
// Usage: node dns-server.mjs <address> [<address> ...]
import { createSocket } from "node:dgram";
import { createServer, isIPv6 } from "node:net";

const TYPE = { A: 1, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, SRV: 33, OPT: 41 };
const ZONE = "cluster.local";
const EDNS_SIZE = 1232;

const a = (text) => Buffer.from(text.split(".").map(Number));

function aaaa(text) {
  const [head, tail = ""] = text.split("::");
  const left = head.split(":");
  const right = tail.split(":");
  const groups = [...left, ...new Array(8 - left.length - right.length).fill("0"), ...right];
  return Buffer.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}

function name(text) {
  const labels = text
    .split(".")
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function uint16(...values) {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

const srv = (port, target) => Buffer.concat([uint16(0, 100, port), name(target)]);

// Each record: [owner, type, data].
const web = "web.default.svc.cluster.local";
const records = [
  [web, TYPE.A, a("10.11.0.20")],
  [web, TYPE.AAAA, aaaa("fd00:11::20")],
  [`_http._tcp.${web}`, TYPE.SRV, srv(80, web)],
  ["www.default.svc.cluster.local", TYPE.CNAME, name(web)],
  ["dns.kube-system.svc.cluster.local", TYPE.A, a("10.11.0.10")],
  ["dns.kube-system.svc.cluster.local", TYPE.AAAA, aaaa("fd00:11::10")],
  ["20.0.11.10.in-addr.arpa", TYPE.PTR, name(web)],
  // Too many for a datagram: the client has to ask again over TCP.
  ...Array.from({ length: 90 }, (_, i) => [
    "workers.default.svc.cluster.local",
    TYPE.A,
    a(`10.11.2.${i + 1}`),
  ]),
];

const soaData = Buffer.concat([
  name(`ns.dns.${ZONE}`),
  name(`hostmaster.${ZONE}`),
  Buffer.from(uint16(0, 1, 0, 7200, 0, 1800, 1, 20864, 0, 5)),
]);

function readQuery(message) {
  let at = 12;
  const labels = [];
  while (message[at] !== 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + message[at]));
    at += 1 + message[at];
  }
  const question = message.subarray(12, at + 5);
  const additional = message.readUInt16BE(10);
  // The only additional record a client sends here is OPT: root name, type, its datagram size.
  const edns = additional > 0 && message.readUInt16BE(at + 6) === TYPE.OPT;
  return { owner: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), question, edns };
}

function find(owner, type) {
  const exact = records.filter((record) => record[0] === owner && record[1] === type);
  if (exact.length > 0) return exact;
  const alias = records.find((record) => record[0] === owner && record[1] === TYPE.CNAME);
  return alias ? [alias, ...records.filter((record) => record[0] === web && record[1] === type)] : [];
}

/** A record in wire form. Names equal to the question are a pointer to it. */
function encode([owner, type, data], questionOwner) {
  const start = owner === questionOwner ? uint16(0xc00c) : name(owner);
  return Buffer.concat([start, uint16(type, 1, 0, 30, data.length), data]);
}

function answer(message, limit) {
  const query = readQuery(message);
  const known = records.some((record) => record[0] === query.owner);
  const answers = find(query.owner, query.type).map((record) => encode(record, query.owner));
  const authority = answers.length === 0 ? [encode([ZONE, TYPE.SOA, soaData], query.owner)] : [];
  const additional = query.edns
    ? [Buffer.concat([Buffer.from([0]), uint16(TYPE.OPT, EDNS_SIZE, 0, 0, 0)])]
    : [];
  const recursionDesired = message[2] & 0x01;
  const build = (truncated, ...sections) => {
    const flags = 0x8400 | (truncated ? 0x0200 : 0) | (recursionDesired << 8) | 0x0080 | (known ? 0 : 3);
    const counts = sections.map((section) => section.length);
    return Buffer.concat([
      message.subarray(0, 2),
      uint16(flags, 1, ...counts),
      query.question,
      ...sections.flat(),
    ]);
  };
  const whole = build(false, answers, authority, additional);
  return whole.length <= (limit ?? (query.edns ? EDNS_SIZE : 512)) ? whole : build(true, [], [], additional);
}

for (const address of process.argv.slice(2)) {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  socket.on("message", (message, peer) => socket.send(answer(message), peer.port, peer.address));
  socket.bind(53, address, () => console.log(`ready ${address} udp`));

  const server = createServer((connection) => {
    let pending = Buffer.alloc(0);
    connection.on("error", () => connection.destroy());
    connection.on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        const reply = answer(pending.subarray(2, end), 65535);
        connection.write(Buffer.concat([uint16(reply.length), reply]));
        pending = pending.subarray(end);
      }
    });
  });
  server.listen(53, address, () => console.log(`ready ${address} tcp`));
}

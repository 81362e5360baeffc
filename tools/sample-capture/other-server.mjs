// For the sample capture: a TCP service on port 9000 which resets a connection when asked to,
// an NTP responder on UDP port 123 and a syslog sink on UDP port 514.
// Usage: node other-server.mjs <address> [<address> ...]
import { createSocket } from "node:dgram";
import { createServer, isIPv6 } from "node:net";

/** Seconds since 1900 as the 32.32 fixed point of NTP. */
function writeNtpTime(buffer, at) {
  const now = Date.now();
  buffer.writeUInt32BE(Math.floor(now / 1000) + 2208988800, at);
  buffer.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), at + 4);
}

function ntpReply(request) {
  const reply = Buffer.alloc(48);
  reply[0] = (4 << 3) | 4; // version 4, server
  reply[1] = 3; // stratum
  reply[2] = request[2];
  reply.writeInt8(-20, 3);
  reply.set([10, 11, 0, 1], 12); // reference id
  writeNtpTime(reply, 16);
  reply.set(request.subarray(40, 48), 24); // origin: when the client sent
  writeNtpTime(reply, 32);
  writeNtpTime(reply, 40);
  return reply;
}

for (const address of process.argv.slice(2)) {
  const family = isIPv6(address) ? "udp6" : "udp4";

  const ntp = createSocket(family);
  ntp.on("message", (message, peer) => {
    if (message.length >= 48) ntp.send(ntpReply(message), peer.port, peer.address);
  });
  ntp.bind(123, address, () => console.log(`ready ${address} ntp`));

  createSocket(family).bind(514, address, () => console.log(`ready ${address} syslog`));

  const tcp = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    connection.on("data", (data) => {
      if (data.toString().startsWith("reset")) connection.resetAndDestroy();
      else connection.write(data);
    });
  });
  tcp.listen(9000, address, () => console.log(`ready ${address} tcp`));
}

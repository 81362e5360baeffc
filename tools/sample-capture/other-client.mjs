// For the sample capture: connections which end in a reset, and UDP datagrams.
// Usage: node other-client.mjs <address> <client name>
import assert from "node:assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, isIPv6 } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const [address, clientName] = process.argv.slice(2);

// A port with nobody behind it: the answer to the SYN is a reset.
const refused = connect(81, address);
const [error] = await once(refused, "error");
assert.equal(error.code, "ECONNREFUSED");

// An established connection the server resets.
const first = connect(9000, address);
await once(first, "connect");
first.write("hello\n");
await once(first, "data");
first.write("reset\n");
const [reset] = await once(first, "error");
assert.equal(reset.code, "ECONNRESET");

// An established connection the client resets.
const second = connect(9000, address);
await once(second, "connect");
second.write("hello\n");
await once(second, "data");
second.resetAndDestroy();
await once(second, "close");

const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
const send = (port, message) =>
  new Promise((resolve, reject) => {
    socket.send(message, port, address, (failure) => (failure ? reject(failure) : resolve()));
  });

// NTP: three questions, three answers.
for (let i = 0; i < 3; i++) {
  const question = Buffer.alloc(48);
  question[0] = (4 << 3) | 3; // version 4, client
  question[2] = 6;
  question.writeUInt32BE(Math.floor(Date.now() / 1000) + 2208988800, 40);
  const answered = once(socket, "message", { signal: AbortSignal.timeout(5000) });
  await send(123, question);
  await answered;
}

// Syslog (RFC 5424): nobody answers.
for (const [priority, text] of [
  [14, "started"],
  [13, "queue is half full"],
  [11, "could not reach the store, trying again"],
  [15, `a long list: ${"item ".repeat(600)}`], // more than a frame holds: fragments
  [14, "stopped"],
]) {
  await send(514, `<${priority}>1 ${new Date().toISOString()} ${clientName} worker 7 - - ${text}`);
  await delay(20);
}
await send(514, ""); // an empty datagram

// Ports with nobody behind them: the answer is ICMP "port unreachable".
for (const port of [9999, 33434, 33435]) {
  await send(port, `anyone on ${port}?`);
  await delay(20);
}
socket.close();

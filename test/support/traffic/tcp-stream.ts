/**
 * A TCP stream through the kernel, which cuts it into segments far longer than a frame (GSO):
 *
 *   tcp-stream.ts serve <address> <port>            prints READY, ends after one connection
 *   tcp-stream.ts send <address> <port> <bytes>
 */
import { connect, createServer } from "node:net";

const [role, host = "", port = "", bytes = "0"] = process.argv.slice(2);
if (role === "serve") {
  const server = createServer((socket) => {
    socket.resume().on("end", () => {
      socket.end();
      server.close();
    });
  });
  server.listen(Number(port), host, () => console.log("READY"));
} else {
  const socket = connect(Number(port), host);
  socket.resume();
  socket.end(Buffer.alloc(Number(bytes), "flowscribe "));
}

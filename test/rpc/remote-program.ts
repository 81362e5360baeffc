/**
 * One end of the Record call as a process of its own, to be killed. `serve FOLDER`: serves recordings of three packets and
 * all later ones; prints the address. `record ADDRESS`: records until it is killed; prints a line when packets have come.
 */
import { createRecorderService } from "../../src/recorder/index.js";
import { openRecorderServer, openTransport, recordRemote } from "../../src/rpc/index.js";
import { fileSink } from "../../src/sink/file.js";
import { numbered, WANTED } from "../recorder/packets.js";
import { controlledSource } from "../recorder/sources.js";

const [role, where = ""] = process.argv.slice(2);
// Goes when the one that started it does.
process.stdin.on("end", () => process.exit()).resume();

if (role === "serve") {
  const service = createRecorderService({
    nodeName: "node",
    openSink: fileSink(where),
    openSource: async () => {
      const source = controlledSource();
      source.push(numbered(3));
      return source;
    },
  });
  console.log((await openRecorderServer("127.0.0.1:0", service)).address);
} else {
  const recording = recordRemote(openTransport(where), WANTED);
  for await (const { packetsCaptured } of recording.updates)
    if (packetsCaptured > 0) console.log(packetsCaptured);
}

import type { Command } from "../command.js";
import { EXIT } from "../exit-code.js";
import { formatHelp, helpColumns } from "../help.js";
import { SERVE_FLAGS, SERVE_GROUPS } from "./flags.js";
import { readServeOptions } from "./options.js";

/** `flowscribe serve`: Cilium's Recorder for a network interface of any machine. */
export const serveCommand: Command = {
  name: "serve",
  help: {
    usage: ["serve -i DEVICE --folder FOLDER --listen ADDRESS [FLAGS]"],
    text: [
      "Serve recordings of a network interface to hubble record and other clients, as Cilium's Recorder does.",
      "A client that can connect can record the traffic of all others. Without --tls-client-ca-files, the server therefore listens only " +
        "on unix sockets and loopback addresses, unless --allow-anyone is given.",
      "Events are logged to standard error, one line of JSON each. Ctrl-C, SIGTERM and SIGHUP shut the server down gracefully: recordings " +
        "are completed and clients are notified. A second signal ends it immediately.",
    ],
    examples: [
      {
        what: "for local users with access to the socket",
        command: "flowscribe serve -i eth0 --folder /var/lib/pcaps --listen unix:///run/flowscribe.sock",
      },
      {
        what: "for clients with a certificate, with metrics",
        command:
          "flowscribe serve -i any --folder /var/lib/pcaps --listen 0.0.0.0:4244 --tls-cert-file s.crt --tls-key-file s.key " +
          "--tls-client-ca-files ca.crt --allow-identity ops.example.com --metrics-listen localhost:9900",
      },
      {
        what: "with limits",
        command:
          "flowscribe serve -i eth0 --folder pcaps --listen localhost:4245 --max-recordings 4 --max-stored-bytes 10GB",
      },
    ],
    groups: SERVE_GROUPS,
  },
  flags: SERVE_FLAGS,

  async run(args, io) {
    const options = readServeOptions(args);
    if (options === undefined) {
      await io.stdout.write(formatHelp(serveCommand, helpColumns(io.stdout)));
      return EXIT.ok;
    }
    const { serve } = await import("./serve.js");
    return serve(options, io);
  },
};

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
      "Whoever may connect may record what everyone says. So without --tls-client-ca-files it listens on unix sockets and loopback " +
        "addresses only, unless --allow-anyone is given.",
      "What happens is written to standard error, a line of JSON each. Ctrl-C, SIGTERM and SIGHUP end it well: recordings are whole, their " +
        "clients are told; the second time it ends on the spot.",
    ],
    examples: [
      {
        what: "for the users of this machine that may open the socket",
        command: "flowscribe serve -i eth0 --folder /var/lib/pcaps --listen unix:///run/flowscribe.sock",
      },
      {
        what: "for those with a certificate, with metrics",
        command:
          "flowscribe serve -i any --folder /var/lib/pcaps --listen 0.0.0.0:4244 --tls-cert-file s.crt --tls-key-file s.key " +
          "--tls-client-ca-files ca.crt --allow-identity ops.example.com --metrics-listen localhost:9900",
      },
      {
        what: "with bounds",
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

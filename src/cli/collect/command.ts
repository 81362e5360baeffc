import type { Command } from "../command.js";
import { UsageError } from "../error-text.js";
import { EXIT } from "../exit-code.js";
import { readFlags } from "../flags/read-flags.js";
import { formatHelp, helpColumns } from "../help.js";
import { COLLECT_FLAGS } from "./flags.js";

/** `flowscribe collect`: moves flows from a server, files or a broker to outputs without losing any. */
export const collectCommand: Command = {
  name: "collect",
  help: {
    usage: ["collect --config FILE [--check]"],
    text: [
      "Collect flows of a Hubble server or other sources into files and other outputs, without losing any.",
      "A flow counts as delivered when every output has stored it. With a checkpoint, a collector that was killed resumes where it was. " +
        "Outputs that fail are tried again while the source waits.",
      "SIGHUP reloads the configuration; a faulty one is reported, and the collector goes on with the old one. Ctrl-C and SIGTERM end it " +
        "gracefully. Secrets come from environment variables or files.",
    ],
    examples: [
      { what: "as configured", command: "flowscribe collect --config collect.yaml" },
      { what: "check a configuration", command: "flowscribe collect --config collect.yaml --check" },
    ],
    groups: ["Collector"],
  },
  flags: COLLECT_FLAGS,

  async run(args, io) {
    const { values, positionals } = readFlags(args, COLLECT_FLAGS);
    const { help = false, config, check = false } = values;
    if (help) {
      await io.stdout.write(formatHelp(collectCommand, helpColumns(io.stdout)));
      return EXIT.ok;
    }
    if (positionals.length > 0) throw new UsageError(`unexpected arguments: ${positionals.join(" ")}`);
    if (config === undefined) throw new UsageError("needs --config FILE");
    const { loadConfig } = await import("./load-config.js");
    const loaded = await loadConfig(config, io);
    if (check) {
      await io.stdout.write(`${config}: valid\n`);
      return EXIT.ok;
    }
    const { runCollector } = await import("./run.js");
    return runCollector(config, loaded, io);
  },
};

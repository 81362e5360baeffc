import type { CommandEntry } from "./command.js";

/** The commands in the order of the help. Each one is loaded when it is run. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "observe",
    summary: "Print flows of export files, captures and servers, like hubble observe.",
    load: async () => (await import("./observe/command.js")).observe,
  },
  {
    name: "record",
    summary: "Record packets of a network interface or of captures, like hubble record.",
    load: async () => (await import("./record/command.js")).recordCommand,
  },
  {
    name: "serve",
    summary: "Serve recordings of a network interface to hubble record, like Cilium's Recorder.",
    load: async () => (await import("./serve/command.js")).serveCommand,
  },
  {
    name: "collect",
    summary: "Collect flows into files and other outputs without losing any.",
    load: async () => (await import("./collect/command.js")).collectCommand,
  },
  {
    name: "status",
    summary: "Print the status of a Hubble server or Relay, like hubble status.",
    load: async () => (await import("./status/command.js")).statusCommand,
  },
  {
    name: "completion",
    summary: "Print the completion script of a shell.",
    load: async () => {
      const { completionCommand } = await import("./completion/command.js");
      return completionCommand(COMMANDS);
    },
  },
];

import type { CommandEntry } from "./command.js";

/** The commands in the order of the help. Each one is loaded when it is run. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "observe",
    summary: "Show flows of export files and captures, as hubble observe does.",
    load: async () => (await import("./observe/command.js")).observe,
  },
  {
    name: "record",
    summary: "Record packets of a network interface or of captures, as hubble record does.",
    load: async () => (await import("./record/command.js")).recordCommand,
  },
  {
    name: "serve",
    summary: "Serve recordings of a network interface to hubble record, as Cilium's Recorder does.",
    load: async () => (await import("./serve/command.js")).serveCommand,
  },
  {
    name: "status",
    summary: "Show how a Hubble server or Relay is doing, as hubble status does.",
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

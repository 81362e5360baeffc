/** The exit codes of all commands; docs/cli.md lists them as well. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The meaning of each exit code. */
export const EXIT_MEANINGS: { readonly [K in keyof typeof EXIT]: string } = {
  ok: "Done; also when nothing matched, when the reader of the output has gone, and when --follow, a live recording or a server was ended by a signal.",
  failed:
    "An input could not be opened or read to its end, or the output could not be written. What could be done was done.",
  usage: "The command line does not say what to do: an unknown flag or command, an invalid value or filter.",
  incomplete:
    "All was read, but --strict-input was given, and lines, packets or events had to be left out or could not be decoded.",
  hungUp: "Ended early by SIGHUP (the terminal was closed). What had been read is printed, or recorded.",
  interrupted: "Ended early by SIGINT (Ctrl-C), likewise.",
  terminated: "Ended early by SIGTERM, likewise.",
};

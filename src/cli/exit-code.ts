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
  ok: "Success, even if nothing matched; also when the output was closed, or a signal ended --follow, a live recording or a server.",
  failed:
    "An input could not be opened or read to its end, or the output could not be written. Everything else was processed.",
  usage: "Invalid command line: an unknown flag or command, an invalid value or filter.",
  incomplete: "With --strict-input: lines, packets or events were skipped or could not be decoded.",
  hungUp: "Ended early by SIGHUP (the terminal was closed). Everything read so far is printed or recorded.",
  interrupted: "Ended early by SIGINT (Ctrl-C), as for SIGHUP.",
  terminated: "Ended early by SIGTERM, as for SIGHUP.",
};

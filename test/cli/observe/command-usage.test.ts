import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { flowLine, runFake } from "../fake-io.js";

describe("observe: usage errors", () => {
  test.each([
    { args: ["--nothing"], err: "unknown flag: --nothing" },
    {
      args: ["--verdict", "dropped"],
      err: 'invalid argument "dropped" for "--verdict" flag: invalid --verdict value: dropped\nDid you mean DROPPED?\n',
    },
    { args: ["--verdict", "alow"], err: "invalid --verdict value: alow\nDid you mean FORWARDED?\n" },
    { args: ["--verdict", "xyz"], err: "invalid --verdict value: xyz\nSee: " },
    { args: ["--first", "1", "--last", "1"], err: "cannot set both --first and --last" },
    { args: ["--pod", "a", "--not"], err: "trailing --not found in the arguments" },
    { args: ["-o", "xml"], err: "invalid output format: xml" },
    { args: ["--jobs", "0"], err: "--jobs must be 1 to 64" },
    { args: ["--jobs", "2", "--follow"], err: "cannot set both --jobs and --follow" },
    { args: ["--jobs", "2", "--explain"], err: "cannot set both --jobs and --explain" },
    { args: ["-o", "raw", "--explain"], err: "raw output format is not compatible with --explain" },
    {
      args: ["-o", "raw", "--experimental-field-mask", "verdict"],
      err: "raw output format is not compatible with custom field mask",
    },
    {
      args: ["-o", "raw", "--server", "a:1"],
      err: "raw output format requires files; use jsonpb with --server a:1",
    },
    {
      args: ["--time-format", "Kitchen"],
      err: 'invalid argument "Kitchen" for "--time-format" flag: expected one of YearMonthDay, ',
    },
    {
      args: ["--color", "yes"],
      err: 'invalid argument "yes" for "--color" flag: expected one of auto, always, never',
    },
    {
      args: ["flows"],
      err: "observe has no subcommand flows, and there is no such file: omit it",
    },
    {
      args: ["--last", "1", "agent-events"],
      err: "observe has no subcommand agent-events, and there is no such file: agent events of files are printed with their flows",
    },
    { args: ["debug-events", "--server", "a:1"], err: "observe has no subcommand debug-events" },
    {
      args: ["--ip", "x"],
      err: 'allow[0].source_ip[0], allow[1].destination_ip[0]: invalid IP address in filter: "x"\nSee',
    },
    {
      args: ["--from-port", "x"],
      err: 'allow[0].source_port[0]: invalid source port filter: invalid port "x"',
    },
    { args: ["--explain", "-o", "json"], err: "json output format is not compatible with --explain" },
    {
      args: ["--experimental-field-mask", "verdict"],
      err: "compact output format is not compatible with custom field mask",
    },
    { args: ["-o", "json", "--experimental-field-mask", "no_such"], err: "no_such" },
    { args: ["-", "-"], err: "standard input can be read only once" },
    { args: ["--last", "1000001"], err: "--last must be <= 1_000_000, got 1000001" },
    {
      args: ["--port", "x"],
      err: 'allow[0].source_port[0], allow[1].destination_port[0]: invalid port filter: invalid port "x"',
    },
    {
      args: ["--explain", "--port", "x"],
      err: 'allow[0].source_port[0], allow[1].destination_port[0]: invalid port filter: invalid port "x"',
    },
    {
      args: ["--follow", "--port", "x"],
      err: 'allow[0].source_port[0], allow[1].destination_port[0]: invalid port filter: invalid port "x"',
    },
    {
      args: ["--since", "yesterday"],
      err: "failed to parse the since time: failed to convert yesterday to time",
    },
  ])("rejects $args", async ({ args, err }) => {
    const outcome = await runFake(["observe", ...args], { stdin: flowLine("a") });
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: EXIT.usage, out: "" });
    expect(outcome.err.startsWith(err) || outcome.err.includes(err)).toBe(true);
    expect(outcome.err.endsWith("See: flowscribe observe --help\n")).toBe(true);
  });
});

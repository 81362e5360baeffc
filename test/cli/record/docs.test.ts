import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatHelp } from "../../../src/cli/help.js";
import { recordCommand } from "../../../src/cli/record/command.js";
import { readRecordOptions } from "../../../src/cli/record/options.js";
import { repository } from "../../support/run.js";
import { fakeIo } from "../fake-io.js";

const PAGE = readFileSync(join(repository, "docs/cli.md"), "utf8");
describe("docs/cli.md: commands of record", () => {
  const blocks = [...PAGE.matchAll(/^```sh\n(flowscribe record [\s\S]*?)^```$/gm)].map(
    ([, block = ""]) => block,
  );
  test.each(blocks.flatMap((block) => block.trimEnd().split("\n")))(
    "contains an example whose options parse: %s",
    async (command) => {
      expect((await readLine(command)).action).toBe("record");
    },
  );
});

describe("record --help", () => {
  test.each(recordCommand.help.examples)(
    "contains an example whose options parse: $command",
    async ({ command }) => {
      expect((await readLine(command)).action).toBe("record");
    },
  );

  test("lists every flag, with the flow flags of observe", () => {
    const help = formatHelp(recordCommand, 100);
    for (const { name, shorthand } of recordCommand.flags) {
      const start = shorthand === undefined ? " {6}" : ` {2}-${shorthand}, `;
      expect(help).toMatch(new RegExp(`^${start}--${name}( |$)`, "m"));
    }
    expect(help).not.toMatch(/--(all|last|first|follow)( |$)/m);
  });
});

/** Parses an example up to a pipe or a comment. */
function readLine(command: string): ReturnType<typeof readRecordOptions> {
  const [, args = ""] = (command.split(/ \| | +# /)[0] ?? "").split("flowscribe record ");
  const words = [...args.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
  return readRecordOptions(words, fakeIo());
}

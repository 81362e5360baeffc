import type { Command, CommandEntry } from "../command.js";
import { UsageError } from "../error-text.js";
import { EXIT } from "../exit-code.js";
import { HELP_FLAG } from "../flags/common-flags.js";
import { readFlags } from "../flags/read-flags.js";
import { formatHelp, helpColumns } from "../help.js";
import { bashScript } from "./bash.js";
import { fishScript } from "./fish.js";
import { toWords } from "./words.js";
import { zshScript } from "./zsh.js";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

/** `flowscribe completion`: prints completion scripts generated from the commands' own flags. */
export function completionCommand(entries: readonly CommandEntry[]): Command {
  const flags = [HELP_FLAG] as const;
  const completion: Command = {
    name: "completion",
    help: {
      usage: SHELLS.map((shell) => `completion ${shell}`),
      text: ["Print a script that completes commands, flags and their values in a shell."],
      examples: [
        { what: "bash, for this session", command: "source <(flowscribe completion bash)" },
        { what: "zsh, in a folder of $fpath", command: "flowscribe completion zsh > ~/.zfunc/_flowscribe" },
        { what: "fish", command: "flowscribe completion fish > ~/.config/fish/completions/flowscribe.fish" },
      ],
    },
    flags,
    arguments: SHELLS,

    async run(args, io) {
      const { values, positionals } = readFlags(args, flags);
      if (values.help === true) {
        await io.stdout.write(formatHelp(completion, helpColumns(io.stdout)));
        return EXIT.ok;
      }
      const [name, ...more] = positionals;
      const shell = SHELLS.find((known) => known === name);
      if (shell === undefined || more.length > 0) {
        throw new UsageError(`name one shell: ${SHELLS.join(", ")}`);
      }
      const commands = await Promise.all(
        entries.map(async (entry) =>
          toWords(entry, entry.name === completion.name ? completion : await entry.load()),
        ),
      );
      await io.stdout.write(SCRIPTS[shell](commands));
      return EXIT.ok;
    },
  };
  return completion;
}

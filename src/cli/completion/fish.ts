import type { CommandWords, FlagWords } from "./words.js";

/** Returns a completion script for fish. */
export function fishScript(commands: readonly CommandWords[]): string {
  const lines = [
    "# Completion of flowscribe for fish: flowscribe completion fish > ~/.config/fish/completions/flowscribe.fish",
    "complete -c flowscribe -n __fish_use_subcommand -f -l help -s h -d 'Show help.'",
    "complete -c flowscribe -n __fish_use_subcommand -f -l version -d 'Show the version.'",
    ...commands.map(
      ({ name, summary }) =>
        `complete -c flowscribe -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
    ),
    ...commands.flatMap(commandLines),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines({ name, flags, argumentChoices }: CommandWords): string[] {
  const start = `complete -c flowscribe -n '__fish_seen_subcommand_from ${name}'`;
  const flagLines = flags.map(
    (flag) => `${start} ${spelling(flag)}${valueText(flag)} -d ${quote(flag.help)}`,
  );
  if (argumentChoices === undefined) return flagLines;
  return [...flagLines, `${start} -f -a ${quote(argumentChoices.join(" "))}`];
}

function spelling({ name, shorthand }: FlagWords): string {
  return shorthand === undefined ? `-l ${name}` : `-l ${name} -s ${shorthand}`;
}

function valueText({ value }: FlagWords): string {
  switch (value) {
    case "none":
      return "";
    case "file":
      return " -r -F";
    case "directory":
      return " -x -a '(__fish_complete_directories)'";
    case "string":
      return " -x";
    default:
      return ` -x -a ${quote(value.join(" "))}`;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

import type { CommandWords, FlagWords } from "./words.js";

/** Returns a completion script for zsh. Save it as `_flowscribe` in a folder of `$fpath`. */
export function zshScript(commands: readonly CommandWords[]): string {
  const described = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  return `#compdef flowscribe
# Completion of flowscribe for zsh: flowscribe completion zsh > a folder of $fpath/_flowscribe
_flowscribe() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commands.map(commandCase).join("")}  esac
}
if [ "$funcstack[1]" = "_flowscribe" ]; then _flowscribe "$@"; else compdef _flowscribe flowscribe; fi
`;
}

function commandCase({ name, flags, argumentChoices }: CommandWords): string {
  const specs = [
    ...flags.flatMap(flagSpecs),
    quote(argumentChoices === undefined ? "*:file:_files" : `1:argument:(${argumentChoices.join(" ")})`),
  ];
  return `    ${name})
      _arguments -s -S \\
${specs.map((spec) => `        ${spec}`).join(" \\\n")} ;;
`;
}

/** One spec per spelling. Flags may be repeated. */
function flagSpecs(flag: FlagWords): string[] {
  const { name, shorthand, help, value } = flag;
  const about = `[${escapeSpec(help)}]`;
  const long = value === "none" ? `*--${name}${about}` : `*--${name}=${about}${valueText(flag)}`;
  if (shorthand === undefined) return [quote(long)];
  return [
    quote(long),
    quote(value === "none" ? `*-${shorthand}${about}` : `*-${shorthand}+${about}${valueText(flag)}`),
  ];
}

function valueText({ value }: FlagWords): string {
  if (value === "file") return ":file:_files";
  if (value === "directory") return ":directory:_files -/";
  return typeof value === "string" ? ":value: " : `:value:(${value.join(" ")})`;
}

/** Escapes brackets, which end the text, and colons, which end the field. */
function escapeSpec(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

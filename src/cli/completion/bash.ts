import { type CommandWords, type FlagWords, spellings } from "./words.js";

/** Returns a completion script for bash 3.2 or later. */
export function bashScript(commands: readonly CommandWords[]): string {
  return `# Completion of flowscribe for bash: source <(flowscribe completion bash)
_flowscribe() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} word
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} help --help --version" -- "$current"))
    return
  fi
  # --flag=value comes in three words
  if [ "$current" = "=" ]; then current=; elif [ "$previous" = "=" ]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case "\${COMP_WORDS[1]}" in
${commands.map(commandCase).join("")}  esac
}
complete -F _flowscribe flowscribe
`;
}

function commandCase({ name, flags, argumentChoices }: CommandWords): string {
  const strings = flags.filter(({ value }) => value === "string").flatMap(spellings);
  const directories = flags.filter(({ value }) => value === "directory").flatMap(spellings);
  const cases = [
    ...flags.flatMap((flag) => (Array.isArray(flag.value) ? [valueCase(flag, flag.value)] : [])),
    ...(directories.length === 0
      ? []
      : [`        ${directories.join("|")}) ${fileNames("-d")}; return ;;\n`]),
    ...(strings.length === 0 ? [] : [`        ${strings.join("|")}) return ;;\n`]),
  ];
  const rest =
    argumentChoices === undefined
      ? fileNames("-f")
      : `COMPREPLY=($(compgen -W "${argumentChoices.join(" ")}" -- "$current"))`;
  return `    ${name})
${cases.length === 0 ? "" : `      case "$previous" in\n${cases.join("")}      esac\n`}      case "$current" in
        -*) COMPREPLY=($(compgen -W "${flags.flatMap(spellings).join(" ")}" -- "$current")) ;;
        *) ${rest} ;;
      esac ;;
`;
}

/** @param kind `-f` for files and directories, `-d` for directories. */
function fileNames(kind: "-f" | "-d"): string {
  return `compopt -o filenames 2>/dev/null; while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen ${kind} -- "$current")`;
}

function valueCase(flag: FlagWords, values: readonly string[]): string {
  return `        ${spellings(flag).join("|")}) COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$current")); return ;;\n`;
}

import type { HubbleRules } from "../../src/hubble/rules.js";
import { DEFAULT_HUBBLE_VERSION, HUBBLE_VERSIONS, type HubbleVersion } from "../../src/hubble/version.js";
import { VERSION_ROWS, type VersionRow } from "./examples.js";

/** Longest line of text. Examples are not wrapped. */
const MAX_LINE_LENGTH = 132;

const INTRODUCTION = `# Versions of Hubble

Hubble 1.19 filters, parses flags and prints differently from 1.16. flowscribe answers as either: \`1.16\` is v1.16.2, \`1.19\` is
v1.19.4. Without the option, **${DEFAULT_HUBBLE_VERSION}** applies; \`flowscribe observe\` and \`status\` of a
server use the version of the server. Hubble 1.17 and 1.18 are closer to 1.19.

| where | how |
| --- | --- |
| filters: \`compileFlowFilter\`, \`compileFlowFilters\`, \`checkFlowFilters\`, … | \`{ hubble: "1.19" }\` |
| flags: \`parseFlowFlags\` | \`{ hubble: "1.19" }\` |
| printing: \`formatFlow\`, \`createFlowPrinter\`, \`formatFlows\`, \`formatServerStatus\` | \`{ hubble: "1.19" }\` |
| field masks: \`compileFieldMask\`, \`checkFieldMask\`, \`defaultFieldMask(version)\` | \`{ hubble: "1.19" }\` |
| exporter: \`checkFlowLogs\`, \`flowLogExport\`, \`openExportFile\` | \`{ hubble: "1.19" }\` |
| command line | \`--hubble-version 1.19\`, or \`FLOWSCRIBE_HUBBLE_VERSION\` |

\`\`\`js
import { create } from "@bufbuild/protobuf";
import { formatFlow } from "flowscribe/observer";
import { FlowSchema } from "flowscribe/proto";

const flow = create(FlowSchema, { eventType: { type: 4, subType: 12 }, Summary: "TCP Flags: SYN" });
console.log(formatFlow(flow)); // N/A:  (unknown) <>  (unknown) 12 VERDICT_UNKNOWN (TCP Flags: SYN)
console.log(formatFlow(flow, { hubble: "1.19" })); // N/A:  (unknown) <>  (unknown) from-crypto VERDICT_UNKNOWN (TCP Flags: SYN)
\`\`\`

- **New fields** of flows and filters, new flags, protocols and \`policyNames\` work with both versions, because they change no older
  meaning.
- **Messages** are those of v1.19.4 for both options. Fields of newer versions are unknown fields: they are kept,
  forwarded and written again. \`npm run compare:messages -- flow.proto\` lists what a newer file adds.
- **The Recorder** was removed from Cilium in 1.19, and \`hubble record\` with it. \`flowscribe record\` and \`flowscribe serve\` keep the
  interface of 1.16.
- **Control characters** are escaped for both versions, more of them than Hubble 1.19 escapes, unless \`rawControls\` is set; see
  [Printing flows](printing.md#control-characters).

The differences below have the names of their rules in \`src/hubble/rules.ts\`. Each example was run for both versions.
`;

/** Returns docs/versions.md. */
export function versionsPage(): string {
  return INTRODUCTION + GROUPS.map(sectionOf).join("");
}

const GROUPS: readonly VersionRow["group"][] = ["Filters", "Flags", "Printing"];

function sectionOf(group: VersionRow["group"]): string {
  // The keys of the table are those of the rules.
  const rows = Object.entries(VERSION_ROWS) as [keyof HubbleRules, VersionRow][];
  const texts = rows.filter(([, row]) => row.group === group).map(([rule, row]) => rowText(rule, row));
  return `\n## ${group}\n${texts.join("")}`;
}

function rowText(rule: string, { what, input, run }: VersionRow): string {
  const answers = HUBBLE_VERSIONS.map((version) => answerText(version, run(version)));
  return `\n### ${rule}\n\n${wrap(what)}\n\n\`\`\`\n${input}\n\n${answers.join("\n")}\n\`\`\`\n`;
}

/** One line, or the version with the lines of the answer below it. */
function answerText(version: HubbleVersion, answer: string): string {
  const text = answer.trimEnd();
  if (text === "") return `${version}: (nothing)`;
  if (!text.includes("\n")) return `${version}: ${text}`;
  return `${version}:\n${text.replaceAll(/^/gm, "  ")}`;
}

function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= MAX_LINE_LENGTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}

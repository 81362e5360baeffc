import { createRegistry } from "@bufbuild/protobuf";
import { FilterError, type Issue } from "../../errors/errors.js";
import { listIssues } from "../../filter/compile.js";
import { type FlowFilterInit, toFlowFilter } from "../../filter/filter-init.js";
import type { FlowFilterLists } from "../../filter/index.js";
import { FlowFilterSchema } from "../../gen/flow/flow_pb.js";
import { jsonWriter } from "../json/write.js";

/**
 * Formats filters as `hubble observe --print-raw-filters` does: YAML that can be used as a configuration file of
 * Hubble's CLI. Its strings are JSON that `--allowlist` and `--denylist` accept. Empty lists are omitted.
 *
 * @throws FilterError if a filter is not a valid FlowFilter.
 */
export function formatFlowFlags(lists: FlowFilterLists): string {
  const issues = listIssues(lists);
  if (issues.length > 0) throw new FilterError(issues);
  const { allow = [], deny = [] } = lists;
  const text = formatList("allow", "allowlist", allow, issues) + formatList("deny", "denylist", deny, issues);
  if (issues.length > 0) throw new FilterError(issues);
  return text === "" ? "{}\n" : text;
}

function formatList(
  list: "allow" | "deny",
  key: "allowlist" | "denylist",
  filters: readonly FlowFilterInit[],
  issues: Issue[],
): string {
  if (filters.length === 0) return "";
  const items = filters.map((init, index) => {
    const filter = toFlowFilter(init, `${list}[${index}]`, (path, message) => {
      issues.push({ path, message });
    });
    const json = jsonWriter(FlowFilterSchema)(filter, { registry: NO_TYPES, undecodable: [], depth: 0 });
    return `    - ${quoteYaml(json)}\n`;
  });
  return `${key}:\n${items.join("")}`;
}

/** A FlowFilter contains no field of type Any. */
const NO_TYPES = createRegistry();

/**
 * Quotes a string that begins with a brace as Go's yaml.v3 does: with single quotes, or with double quotes if it
 * contains characters that yaml.v3 considers unprintable, such as all above U+FFFF.
 */
function quoteYaml(text: string): string {
  if (!UNPRINTABLE.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return `"${text.replaceAll(TO_ESCAPE, escapeCharacter)}"`;
}

const UNPRINTABLE = /[^ -~\u00a0-\ufefe\uff00-\ufffd]/u;
const TO_ESCAPE = /["\\]|[^ -~\u00a0-\ufefe\uff00-\ufffd]/gu;

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  if (character === "\u0085") return "\\N";
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  if (hex.length <= 2) return `\\x${hex}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

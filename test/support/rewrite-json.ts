import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Flow, FlowSchema } from "../../src/proto.js";
import type { Random } from "./random.js";

/** The JSON of a flow in one of three forms: as a response, the same with numbers of enums, and bare. */
export function lineJson(flow: Flow, form: number): JsonValue {
  const json = toJson(FlowSchema, flow, { useProtoFieldName: true, enumAsInteger: form === 1 });
  return form === 2 ? json : { flow: json, node_name: "n" };
}

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Rewrites the JSON with another layout: order, names, escapes, white space, duplicates, numbers. */
export function rewriteJson(value: JsonValue, random: Random): string {
  const space = () => (random() < 0.05 ? [" ", "\t", "\r", "  "][Math.floor(random() * 4)]! : "");
  const text = (content: string) => {
    if (random() < 0.9) return JSON.stringify(content);
    return `"${Array.from(content, (character) => {
      if (random() < 0.5) return JSON.stringify(character).slice(1, -1);
      return Array.from(
        { length: character.length },
        (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
      ).join("");
    }).join("")}"`;
  };
  if (typeof value === "string") return random() < 0.01 ? "null" : text(value);
  if (typeof value === "number") {
    const form = random();
    if (form < 0.9) return String(value);
    return form < 0.94 ? `"${value}"` : form < 0.97 ? `${value}.0` : `${value}e0`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) {
    return `[${space()}${value.map((element) => `${rewriteJson(element, random)}${space()}`).join(`,${space()}`)}]`;
  }
  const members = Object.entries(value);
  if (random() < 0.3) members.sort(() => random() - 0.5);
  if (random() < 0.05) members.push(["field_of_the_future", { a: ["}", '"', "\\"] }]);
  if (random() < 0.01 && members.length > 0) members.push(members[0]!);
  return `{${space()}${members
    .map(([name, content]) => {
      const written = random() < 0.3 ? camel(name) : name;
      return `${text(written)}${space()}:${space()}${rewriteJson(content, random)}${space()}`;
    })
    .join(`,${space()}`)}}`;
}

/** Changes of a JSON string that may or may not leave it valid. */
export const DAMAGES: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => text.slice(0, Math.floor(random() * text.length)),
  (text, random) => {
    const at = Math.floor(random() * text.length);
    return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 3));
  },
  (text, random) => {
    const at = Math.floor(random() * text.length);
    return text.slice(0, at) + CHARACTERS[Math.floor(random() * CHARACTERS.length)] + text.slice(at);
  },
];

const CHARACTERS = '"\\{}[],:0-e.tn \n\u00e9\ud83d\ude00';

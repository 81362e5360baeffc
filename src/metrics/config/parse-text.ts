import type { Located, RawMetric, RawOption } from "./raw-config.js";

/**
 * Splits a text like that of `--hubble-metrics`: metrics are separated by spaces, options follow a colon and are separated by
 * semicolons, values follow an equals sign. Values are separated by `|`, or else by commas. Empty options and values count as
 * absent. Checks no names.
 */
export function parseText(text: string): RawMetric[] {
  return [...text.matchAll(/\S+/g)].map(({ 0: entry, index }) => parseMetric(entry, index));
}

function parseMetric(entry: string, start: number): RawMetric {
  const [name, rest, at] = cut(entry, ":", start);
  return {
    name: located(name, name, start),
    options: split(rest, ";", at).map(([option, index]) => parseOption(name, option, index)),
    path: name,
    includeFilters: [],
    excludeFilters: [],
  };
}

function parseOption(metric: string, option: string, start: number): RawOption {
  const [name, rest, at] = cut(option, "=", start);
  const path = `${metric}:${name}`;
  const values = split(rest, rest.includes("|") ? "|" : ",", at);
  return {
    name: located(name, path, start),
    values: values.map(([value, index]) => located(value, path, index)),
  };
}

/** The parts before and after a separator, and the position of the second one. */
function cut(text: string, separator: string, start: number): [before: string, after: string, at: number] {
  const index = text.indexOf(separator);
  if (index < 0) return [text, "", start + text.length];
  return [text.slice(0, index), text.slice(index + 1), start + index + 1];
}

/** The parts that are not empty, with their positions. */
function split(text: string, separator: string, start: number): [part: string, at: number][] {
  const parts: [string, number][] = [];
  let at = start;
  for (const part of text.split(separator)) {
    if (part !== "") parts.push([part, at]);
    at += part.length + separator.length;
  }
  return parts;
}

/** @param index The offset in UTF-16 code units; people count from 1. */
function located(text: string, path: string, index: number): Located {
  return { text, path, position: ` (at character ${index + 1})` };
}

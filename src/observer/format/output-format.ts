/** How events are arranged. */
export type Layout = "lines" | "records" | "table" | "json";

/** What distinguishes an output format. */
interface FormatTraits {
  readonly layout: Layout;
  /** Whether `color` applies. Not in tables, where escape sequences would count toward the width of columns. */
  readonly hasColors: boolean;
  /** Whether `legacyJson` applies. */
  readonly hasLegacyForm?: true;
}

/**
 * The formats of `hubble observe -o`. `tab` and `table` are equal, and so are `json` and `jsonpb` except for
 * `legacyJson`.
 */
export const OUTPUT_FORMATS = ["compact", "dict", "tab", "table", "json", "jsonpb"] as const;

/** One of {@link OUTPUT_FORMATS}. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Exhaustive: a new format does not compile until it is described here. */
const FORMATS: { readonly [K in OutputFormat]: FormatTraits } = {
  compact: { layout: "lines", hasColors: true },
  dict: { layout: "records", hasColors: true },
  tab: { layout: "table", hasColors: false },
  table: { layout: "table", hasColors: false },
  json: { layout: "json", hasColors: false, hasLegacyForm: true },
  jsonpb: { layout: "json", hasColors: false },
};

/** The traits of a format, by default those of `compact`. */
export function traitsOf(format: OutputFormat = "compact"): FormatTraits {
  return FORMATS[format];
}

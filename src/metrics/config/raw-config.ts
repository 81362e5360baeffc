/** A part of a configuration. */
export interface Located {
  readonly text: string;
  /** Its path, for issues: `dns:query`, or `metrics[0].contextOptions[0].name`. */
  readonly path: string;
  /** Its position in a text, for the end of a message: ` (at character 5)`. Empty for objects. */
  readonly position: string;
}

/** An option of a metric, not yet checked. */
export interface RawOption {
  readonly name: Located;
  readonly values: readonly Located[];
}

/** An entry of a configuration, not yet checked. */
export interface RawMetric {
  readonly name: Located;
  readonly options: readonly RawOption[];
  /** The path of the entry, for issues of its filters. */
  readonly path: string;
  readonly includeFilters: readonly unknown[];
  readonly excludeFilters: readonly unknown[];
}

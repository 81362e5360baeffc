import type { FlowAggregatorOptions } from "../../../collect/index.js";
import { checkFieldMask } from "../../../observer/index.js";
import { UsageError } from "../../error-text.js";

/** How `observe` aggregates flows. */
export interface AggregateOptions extends Pick<FlowAggregatorOptions, "fields"> {
  /** Undefined for the default. */
  readonly maxGroups: number | undefined;
  /** How often the groups are printed and begin anew; undefined for at the end only. */
  readonly intervalMs: number | undefined;
  /** Whether groups are printed as a table instead of JSON. */
  readonly isTable: boolean;
  /** The aggregated fields that the field mask removes. */
  readonly masked: readonly string[];
}

/** The values of the flags. */
export interface AggregateFlags {
  readonly "aggregate-by"?: readonly string[];
  readonly "aggregate-max"?: bigint;
  readonly "aggregate-interval"?: number;
  readonly explain?: boolean;
}

/** As in `collect`, which is only loaded if flows are aggregated. */
export const MAX_GROUPS: bigint = 2n ** 24n;

/** The output formats for groups. */
const TABLES: readonly string[] = ["table", "tab"];
const JSON_FORMATS: readonly string[] = ["json", "jsonpb"];

/**
 * Reads the flags of aggregation; undefined if flows are not aggregated.
 *
 * @param output The output format that was given, if any.
 * @param mask The fields of the field mask that was given, if any.
 * @throws UsageError
 */
export function readAggregateOptions(
  flags: AggregateFlags,
  output: string | undefined,
  mask: readonly string[] | undefined,
): AggregateOptions | undefined {
  const { "aggregate-by": fields, "aggregate-max": max, "aggregate-interval": intervalMs } = flags;
  if (fields === undefined) {
    const given = max !== undefined ? "aggregate-max" : intervalMs !== undefined ? "aggregate-interval" : "";
    if (given !== "") throw new UsageError(`--${given} requires --aggregate-by`);
    return undefined;
  }
  checkFields(fields);
  if (flags.explain === true) throw new UsageError("cannot set both --aggregate-by and --explain");
  if (output !== undefined && ![...TABLES, ...JSON_FORMATS].includes(output)) {
    throw new UsageError(
      `${output} output format is not compatible with --aggregate-by; use table or jsonpb`,
    );
  }
  if (max !== undefined && (max < 1n || max > MAX_GROUPS)) {
    throw new UsageError(`--aggregate-max must be 1 to ${MAX_GROUPS}`);
  }
  if (intervalMs !== undefined && intervalMs <= 0) {
    throw new UsageError("--aggregate-interval must be above 0");
  }
  return {
    fields,
    maxGroups: max === undefined ? undefined : Number(max),
    intervalMs,
    isTable: output === undefined || TABLES.includes(output),
    masked: mask === undefined || mask.length === 0 ? [] : fields.filter((field) => !hasField(mask, field)),
  };
}

function checkFields(fields: readonly string[]): void {
  if (fields.length === 0) throw new UsageError("--aggregate-by must have at least one field");
  const wrong = checkFieldMask(fields)[0];
  if (wrong !== undefined) {
    throw new UsageError(`invalid --aggregate-by: ${wrong.message.replace("invalid fieldmask: ", "")}`);
  }
  const result = fields.find((field) => field === "aggregate" || field.startsWith("aggregate."));
  if (result !== undefined) {
    throw new UsageError(`invalid --aggregate-by: ${result} is the result of the aggregation`);
  }
}

function hasField(mask: readonly string[], field: string): boolean {
  return mask.some((path) => path === field || field.startsWith(`${path}.`));
}

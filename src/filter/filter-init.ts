import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ReportIssue } from "../errors/value-checks.js";
import {
  type FlowFilter,
  type FlowFilterJson,
  FlowFilterSchema,
  VerdictSchema,
} from "../gen/flow/flow_pb.js";
import { typeOf } from "../message/descriptor.js";
import { suggestEnumValue } from "../message/enum.js";
import { readMessage } from "../message/read.js";

/**
 * A FlowFilter as a message, an init object, or parsed protobuf JSON: field names in lowerCamelCase or as in the proto
 * file, enums by number or name, 64-bit integers as bigint, number or string.
 */
export type FlowFilterInit =
  | FlowFilter
  | {
      readonly [K in keyof InitForm & keyof FlowFilterJson]?:
        | FieldForm<InitForm[K], FlowFilterJson[K]>
        | undefined;
    };

type InitForm = Exclude<MessageInitShape<typeof FlowFilterSchema>, FlowFilter>;

/** A field in either form; lists may mix both forms and may be readonly. */
type FieldForm<Init, Json> =
  NonNullable<Init> extends readonly (infer InitElement)[]
    ? NonNullable<Json> extends readonly (infer JsonElement)[]
      ? readonly (InitElement | JsonElement | (InitElement extends bigint ? number : never))[]
      : never
    : Init | Json;

/**
 * Converts any of the forms to a message. Reports values that do not fit their field and replaces them by empty values.
 *
 * @param path The path of the filter, for issues; empty for paths inside the filter.
 */
export function toFlowFilter(filter: FlowFilterInit, path: string, report: ReportIssue): FlowFilter {
  const synonyms = { [VerdictSchema.name]: VERDICT_SYNONYMS };
  const fields = readMessage(typeOf(FlowFilterSchema), filter, path, { report, synonyms });
  // The values have been read according to the descriptor, so they have the init shape.
  return create(FlowFilterSchema, fields as MessageInitShape<typeof FlowFilterSchema>);
}

/** Terms of policies and firewalls, by the corresponding Hubble verdict. */
const VERDICT_SYNONYMS: Readonly<Record<string, string>> = {
  ...{
    ALLOW: "FORWARDED",
    ALLOWED: "FORWARDED",
    ACCEPT: "FORWARDED",
    ACCEPTED: "FORWARDED",
    PASS: "FORWARDED",
  },
  ...{
    DENY: "DROPPED",
    DENIED: "DROPPED",
    DROP: "DROPPED",
    REJECT: "DROPPED",
    REJECTED: "DROPPED",
    BLOCK: "DROPPED",
  },
};

/** Returns the verdict that the caller probably meant. */
export function suggestVerdict(given: string): string | undefined {
  return suggestEnumValue(VerdictSchema, given, VERDICT_SYNONYMS);
}

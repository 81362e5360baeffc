import { create, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionIssues } from "../errors/check-options.js";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { aListOf, aString, type ReportIssue, type ValueCheck } from "../errors/value-checks.js";
import { FlowSchema } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { goQuote } from "../go/strconv/quote.js";
import type { HubbleRules } from "../hubble/rules.js";
import { aHubbleVersion, DEFAULT_HUBBLE_VERSION, type HubbleVersion, rulesOf } from "../hubble/version.js";
import { decodeFlow } from "../message/decode-flow.js";
import { oneofOf, type Properties, propertiesOf, zeroOf } from "../message/properties.js";

/**
 * The fields that are needed to print a flow in any format except JSON: those of
 * `hubble observe --experimental-use-default-field-masks` (v1.16 to v1.19), plus those that Hubble prints but does not
 * request. Without the latter, a policy verdict is printed as `policy-verdict:none TRAFFIC_DIRECTION_UNKNOWN`. v1.16
 * servers know all of these fields, so the mask can be sent to any server.
 */
export const DEFAULT_FIELD_MASK: readonly string[] = [
  "time",
  "source.identity",
  "source.namespace",
  "source.pod_name",
  "destination.identity",
  "destination.namespace",
  "destination.pod_name",
  "source_service",
  "destination_service",
  "l4",
  "IP",
  "ethernet",
  "l7",
  "Type",
  "node_name",
  "is_reply",
  "event_type",
  "verdict",
  "Summary",
  // Not in Hubble's mask.
  "traffic_direction",
  "policy_match_type",
  "source_names",
  "destination_names",
  "auth_type",
  "debug_capture_point",
  "sock_xlate_point",
];

/**
 * The fields that `hubble observe` v1.19.4 requests by default, in its order. Because a server leaves out all others, a
 * policy verdict is printed as `policy-verdict:none TRAFFIC_DIRECTION_UNKNOWN`, without names of policies.
 */
const HUBBLE_1_19_MASK: readonly string[] = [
  "time",
  "verdict",
  "ethernet",
  "IP",
  "l4",
  "source.identity",
  "source.namespace",
  "source.pod_name",
  "destination.identity",
  "destination.namespace",
  "destination.pod_name",
  "Type",
  "node_name",
  "l7",
  "event_type",
  "source_service",
  "destination_service",
  "is_reply",
  "Summary",
  "ip_trace_id",
];

/** Exhaustive: another version does not compile until it has a mask. */
const DEFAULT_FIELD_MASKS: { readonly [K in HubbleVersion]: readonly string[] } = {
  "1.16": DEFAULT_FIELD_MASK,
  "1.19": HUBBLE_1_19_MASK,
};

/**
 * Returns the fields that a client of a version requests to print flows in other formats than JSON: for `1.16`
 * {@link DEFAULT_FIELD_MASK}, for `1.19` exactly those of `hubble observe` v1.19.4, which are fewer than it prints.
 *
 * @throws TypeError for an unknown version.
 * @example
 *   defaultFieldMask("1.19").includes("ip_trace_id"); // true
 */
export function defaultFieldMask(version: HubbleVersion = DEFAULT_HUBBLE_VERSION): readonly string[] {
  checkArgument("defaultFieldMask", "version", version, aHubbleVersion);
  return DEFAULT_FIELD_MASKS[version];
}

/** Options of {@link compileFieldMask}. */
export interface FieldMaskOptions {
  /** The version of Hubble whose error texts apply. Default `1.16`. The known paths are the same. */
  readonly hubble?: HubbleVersion | undefined;
}

const FIELD_MASK_OPTIONS: OptionTable<FieldMaskOptions> = { hubble: aHubbleVersion };

/**
 * Returns an event with only the masked fields. The argument is not modified; an event that needs no masking is
 * returned as it is.
 */
export type FieldMask = <Event extends GetFlowsResponse | ExportEvent>(event: Event) => Event;

/** An error for a field mask with paths that a flow does not have. */
export class FieldMaskError extends ConfigurationError {
  declare readonly code: "invalid_field_mask";

  constructor(issues: readonly Issue[]) {
    super("invalid_field_mask", issues);
  }
}

/**
 * Compiles a field mask that works like the one of Hubble's exporter. Paths are proto field paths of Flow
 * (`source.pod_name`). A path inside another one is redundant, the order does not matter, and an empty mask keeps
 * everything.
 *
 * Only flows are masked, not lost, agent and debug events. A message with a partial mask is always present, and empty
 * if the flow has none of its masked fields. The time and node name of the envelope are taken from the masked flow, so
 * they are unset unless the mask contains `time` and `node_name`. The result shares its values with the original event.
 *
 * Of paths into a oneof, such as `l4.TCP.flags`, only the case that the flow has is kept: a flow over UDP gets an empty
 * `l4` (Hubble v1.16 creates an empty TCP message instead; later releases do not).
 *
 * @throws FieldMaskError `invalid_field_mask` with every path that a flow does not have; OptionsError.
 */
export function compileFieldMask(paths: readonly string[], options: FieldMaskOptions = {}): FieldMask {
  checkOptions("compileFieldMask", options, FIELD_MASK_OPTIONS);
  const issues = issuesOf(paths, options);
  if (issues.length > 0) throw new FieldMaskError(issues);
  if (paths.length === 0) return (event) => event;
  const copy = compileTree(FlowSchema, toTree(paths));
  return (event) => {
    const { responseTypes } = event;
    if (responseTypes.case !== "flow") return event;
    const flow = decodeFlow(NO_BYTES);
    copy(propertiesOf(flow), propertiesOf(responseTypes.value));
    return {
      $typeName: event.$typeName,
      responseTypes: { case: "flow", value: flow },
      nodeName: flow.nodeName,
      time: flow.time,
    } as typeof event;
  };
}

/** Returns the issues that {@link compileFieldMask} would throw; empty if the mask compiles. */
export function checkFieldMask(paths: readonly string[], options: FieldMaskOptions = {}): readonly Issue[] {
  const issues = optionIssues("checkFieldMask", options, FIELD_MASK_OPTIONS);
  return issues.length > 0 ? issues : issuesOf(paths, options);
}

function issuesOf(paths: readonly string[], { hubble }: FieldMaskOptions): Issue[] {
  const issues: Issue[] = [];
  const beginning = BEGINNINGS[rulesOf(hubble).fieldMaskFaults];
  checkPaths(paths, "field_mask", beginning, (path, message) => issues.push(issueOf(path, message)));
  return issues;
}

/** How the error texts begin. */
const BEGINNINGS: { readonly [K in HubbleRules["fieldMaskFaults"]]: string } = {
  exporter: "invalid fieldmask",
  "command line": "failed to construct field mask: proto",
};

/** Checks the paths of a list in the configuration of an exporter; `at` is the path of the list. */
export function checkExportPaths(paths: unknown, at: string, report: ReportIssue): void {
  checkPaths(paths, at, BEGINNINGS.exporter, report);
}

function checkPaths(paths: unknown, at: string, beginning: string, report: ReportIssue): void {
  const aFlowPath: ValueCheck<string> = (path, pathAt, reportPath) => {
    if (typeof path !== "string") aString(path, pathAt, reportPath);
    else if (!isFlowPath(path)) {
      reportPath(pathAt, `${beginning}: invalid path ${goQuote(path)} for message "flow.Flow"`);
    }
  };
  aListOf(aFlowPath)(paths, at, report);
}

const NO_BYTES = new Uint8Array(0);

/** As in Go's fieldmaskpb: a path cannot continue after a list or any other field that is not a message. */
function isFlowPath(path: string): boolean {
  let message: DescMessage | undefined = FlowSchema;
  for (const name of path.split(".")) {
    const field: DescField | undefined = message?.fields.find((one) => one.name === name);
    if (field === undefined) return false;
    message = field.fieldKind === "message" ? field.message : undefined;
  }
  return true;
}

/** Masked fields by name, each with its own masked fields; undefined for the whole field. */
type Tree = Map<string, Tree | undefined>;

function toTree(paths: readonly string[]): Tree {
  const root: Tree = new Map();
  // Sorted by length, so a field comes before the paths inside it.
  for (const path of [...paths].sort((a, b) => a.length - b.length)) {
    const names = path.split(".");
    let tree: Tree | undefined = root;
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      if (!tree.has(name)) tree.set(name, isLast ? undefined : new Map());
      tree = tree.get(name);
      if (tree === undefined) break;
    }
  }
  return root;
}

/** Copies masked fields from one message, which may be undefined, to another of the same type. */
type Copy = (target: Properties, source: Properties | undefined) => void;

function compileTree(schema: DescMessage, tree: Tree): Copy {
  const copies = [...tree].map(([name, inner]): Copy => {
    const field = schema.fields.find((one) => one.name === name)!;
    return inner === undefined ? copyField(field) : copyInside(field, inner);
  });
  return (target, source) => {
    for (const copy of copies) copy(target, source);
  };
}

function copyField({ localName, oneof }: DescField): Copy {
  if (oneof !== undefined) {
    const group = oneof.localName;
    return (target, source) => {
      if (oneofOf(source, group).case === localName) target[group] = source![group];
    };
  }
  return (target, source) => {
    const value = source?.[localName];
    if (value !== undefined) target[localName] = value;
  };
}

function copyInside(field: DescField, tree: Tree): Copy {
  const { localName, oneof } = field;
  // Only message fields have masks inside them.
  const schema = field.message!;
  if (isWrapperDesc(schema) && oneof === undefined) {
    const zero = zeroOf(schema.fields[0].scalar);
    return (target, source) => {
      target[localName] = source?.[localName] ?? zero;
    };
  }
  const copy = compileTree(schema, tree);
  if (oneof !== undefined) {
    const group = oneof.localName;
    return (target, source) => {
      const { case: name, value } = oneofOf(source, group);
      if (name !== localName) return;
      const masked = create(schema);
      // The value of a message field is a message.
      copy(propertiesOf(masked), propertiesOf(value as Message));
      target[group] = { case: localName, value: masked };
    };
  }
  return (target, source) => {
    const masked = create(schema);
    copy(propertiesOf(masked), source?.[localName] as Properties | undefined);
    target[localName] = masked;
  };
}

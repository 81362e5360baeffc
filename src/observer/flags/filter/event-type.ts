import { create } from "@bufbuild/protobuf";
import { type EventTypeFilter, EventTypeFilterSchema } from "../../../gen/flow/flow_pb.js";
import type { Result } from "../../../go/result.js";
import { parseUint } from "../../../go/strconv/parse-integer.js";
import type { HubbleRules } from "../../../hubble/rules.js";

const TYPES: ReadonlyMap<string, number> = new Map([
  ["drop", 1],
  ["debug", 2],
  ["capture", 3],
  ["trace", 4],
  ["policy-verdict", 5],
  ["trace-sock", 7],
  ["l7", 129],
  ["agent", 130],
]);

const OBSERVATION_POINTS: ReadonlyMap<string, number> = new Map([
  ["to-endpoint", 0],
  ["to-proxy", 1],
  ["to-host", 2],
  ["to-stack", 3],
  ["to-overlay", 4],
  ["from-endpoint", 5],
  ["from-proxy", 6],
  ["from-host", 7],
  ["from-stack", 8],
  ["from-overlay", 9],
  ["from-network", 10],
  ["to-network", 11],
  // Since 1.19; they only add to the names of 1.16.
  ["from-crypto", 12],
  ["to-crypto", 13],
]);

const AGENT_EVENTS: ReadonlyMap<string, number> = new Map([
  ["unspecified", 0],
  ["message", 1],
  ["agent-started", 2],
  ["policy-updated", 3],
  ["policy-deleted", 4],
  ["endpoint-regenerate-success", 5],
  ["endpoint-regenerate-failure", 6],
  ["endpoint-created", 7],
  ["endpoint-deleted", 8],
  ["ipcache-upserted", 9],
  ["ipcache-deleted", 10],
]);

/** Names of types, and of sub-types, which are only accepted if the type is also given by name. */
interface Names {
  readonly types: ReadonlyMap<string, number>;
  readonly subTypes: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const NAMES: Names = {
  types: TYPES,
  subTypes: new Map([
    ["trace", OBSERVATION_POINTS],
    ["agent", AGENT_EVENTS],
  ]),
};

/** With the events of the recorder and of services, which Cilium has removed. */
const NAMES_WITH_REMOVED: Names = {
  types: new Map([...TYPES, ["recorder", 6]]),
  subTypes: new Map([
    ["trace", OBSERVATION_POINTS],
    ["agent", new Map([...AGENT_EVENTS, ["service-upserted", 11], ["service-deleted", 12]])],
  ]),
};

/** Parses `TYPE` or `TYPE:SUB`, each a name or a number. */
export function parseEventType(text: string, { recorderEvents }: HubbleRules): Result<EventTypeFilter> {
  const { types, subTypes } = recorderEvents ? NAMES_WITH_REMOVED : NAMES;
  const colon = text.indexOf(":");
  const typeText = colon < 0 ? text : text.slice(0, colon);
  const type = readNumber(typeText, types.get(typeText));
  if ("fault" in type) {
    const problem = "not a known type name and unable to parse as numeric value";
    return { fault: `unable to parse type '${typeText}', ${problem}: ${type.fault}` };
  }
  if (colon < 0) return { value: create(EventTypeFilterSchema, { type: type.value }) };

  const subText = text.slice(colon + 1);
  const subType = readNumber(subText, subTypes.get(typeText)?.get(subText));
  if ("fault" in subType) {
    const problem = "not a known sub-type name and unable to parse as numeric value";
    return { fault: `unable to parse event sub-type '${subText}', ${problem}: ${subType.fault}` };
  }
  return {
    value: create(EventTypeFilterSchema, { type: type.value, matchSubType: true, subType: subType.value }),
  };
}

/** Numbers are unsigned 32-bit integers. The field is signed, so the upper half becomes negative, as in Go. */
function readNumber(text: string, named: number | undefined): Result<number> {
  if (named !== undefined) return { value: named };
  const parsed = parseUint(text, 10, 32);
  return "fault" in parsed ? parsed : { value: Number(BigInt.asIntN(32, parsed.value)) };
}

import { isFlow } from "../event.js";
import type { FieldCompiler, FieldTest } from "../field.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { valueIndex } from "../list-index/value-index.js";
import { compileOneOf } from "../one-of.js";

/**
 * The security identity of an endpoint; 0 matches endpoints without an identity, but a missing endpoint never matches
 * (pkg/hubble/filters/identity.go).
 */
function compileIdentity(
  side: "source" | "destination",
): FieldCompiler<"sourceIdentity" | "destinationIdentity"> {
  const byIdentity = valueIndex(INDEX_COST.identity, (flow) => flow[side]?.identity);
  return (values): FieldTest => {
    const isWanted = compileOneOf<number>(values);
    return {
      matches: (flow) => {
        const endpoint = flow[side];
        return endpoint !== undefined && isWanted(endpoint.identity);
      },
      seen: (event) => (isFlow(event) ? event[side]?.identity : undefined),
      reads: [`${side}.identity`],
      cost: "cheap",
      key: exactKey(byIdentity, values),
    };
  };
}

export const sourceIdentity: FieldCompiler<"sourceIdentity"> = compileIdentity("source");
export const destinationIdentity: FieldCompiler<"destinationIdentity"> = compileIdentity("destination");

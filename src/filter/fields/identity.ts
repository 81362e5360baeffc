import { isFlow } from "../event.js";
import type { FieldCompiler, FieldTest } from "../field.js";
import { compileOneOf } from "../one-of.js";

/**
 * The security identity of an endpoint; 0 matches endpoints without an identity, but a missing endpoint never matches
 * (pkg/hubble/filters/identity.go).
 */
function compileIdentity(
  side: "source" | "destination",
): FieldCompiler<"sourceIdentity" | "destinationIdentity"> {
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
      key: { by: side === "source" ? "sourceIdentity" : "destinationIdentity", values },
    };
  };
}

export const sourceIdentity: FieldCompiler<"sourceIdentity"> = compileIdentity("source");
export const destinationIdentity: FieldCompiler<"destinationIdentity"> = compileIdentity("destination");

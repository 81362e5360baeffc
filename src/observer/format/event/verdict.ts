import { type Flow, Verdict } from "../../../gen/flow/flow_pb.js";
import type { Paint } from "../paint.js";
import { isPolicyVerdict } from "./flow-type.js";

/** Formats the verdict by its name; policy verdicts have their own terms, such as `ALLOWED` for `FORWARDED`. */
export function formatVerdict(flow: Flow, paint: Paint): string {
  const { verdict } = flow;
  const ofPolicy = isPolicyVerdict(flow);
  // Generated enums have the names of the proto file. The descriptor, which also has them, would have to be decoded.
  const name = Verdict[verdict] ?? String(verdict);
  switch (verdict) {
    case Verdict.FORWARDED:
    case Verdict.REDIRECTED:
      return paint.good(ofPolicy ? "ALLOWED" : name);
    case Verdict.DROPPED:
    case Verdict.ERROR:
      return paint.bad(ofPolicy ? "DENIED" : name);
    case Verdict.AUDIT:
      return paint.notable(ofPolicy ? "AUDITED" : "AUDIT");
    case Verdict.TRACED:
    case Verdict.TRANSLATED:
      return paint.notable(name);
    default:
      return name;
  }
}

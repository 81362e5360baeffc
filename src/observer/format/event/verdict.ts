import { type Flow, Verdict, VerdictSchema } from "../../../gen/flow/flow_pb.js";
import { enumName } from "../../../message/proto-text.js";
import type { Paint } from "../paint.js";
import { isPolicyVerdict } from "./flow-type.js";

/** Formats the verdict by its name; policy verdicts have their own terms, such as `ALLOWED` for `FORWARDED`. */
export function formatVerdict(flow: Flow, paint: Paint): string {
  const { verdict } = flow;
  const ofPolicy = isPolicyVerdict(flow);
  switch (verdict) {
    case Verdict.FORWARDED:
    case Verdict.REDIRECTED:
      return paint.good(ofPolicy ? "ALLOWED" : enumName(VerdictSchema, verdict));
    case Verdict.DROPPED:
    case Verdict.ERROR:
      return paint.bad(ofPolicy ? "DENIED" : enumName(VerdictSchema, verdict));
    case Verdict.AUDIT:
      return paint.notable(ofPolicy ? "AUDITED" : "AUDIT");
    case Verdict.TRACED:
    case Verdict.TRANSLATED:
      return paint.notable(enumName(VerdictSchema, verdict));
    default:
      return enumName(VerdictSchema, verdict);
  }
}

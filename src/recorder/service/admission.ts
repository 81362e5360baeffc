import { orAbort } from "../../async/abort.js";
import type { StartRecording } from "../../gen/recorder/recorder_pb.js";
import { checkStartRecording } from "../start.js";
import type { RpcPeer, ServiceDependencies } from "./context.js";
import { RpcError } from "./error.js";
import { issuesText } from "./issues-text.js";

/**
 * Checks whether a request may record: it is authorized, within the limits, and valid.
 *
 * @param signal Aborted when the call fails; ends the wait for `authorize` and `storedBytes`.
 * @throws RpcError for the client; the signal's reason.
 */
export async function admit(
  start: StartRecording,
  peer: RpcPeer | undefined,
  { authorize, limits, budget }: Pick<ServiceDependencies, "authorize" | "limits" | "budget">,
  signal: AbortSignal,
): Promise<void> {
  if (!(await orAbort(isAllowed(start, peer, authorize), signal))) {
    throw new RpcError("PERMISSION_DENIED", "not allowed to record");
  }
  if (start.include.length > limits.maxFilters) {
    throw new RpcError(
      "RESOURCE_EXHAUSTED",
      `too many include filters: ${start.include.length} (at most ${limits.maxFilters})`,
    );
  }
  const issues = checkStartRecording(start);
  if (issues.length > 0) throw new RpcError("INVALID_ARGUMENT", issuesText(issues));
  await orAbort(budget.refresh(), signal);
}

/** A failing `authorize` denies the request. Its error is not sent to the client, unless it is an RpcError. */
async function isAllowed(
  start: StartRecording,
  peer: RpcPeer | undefined,
  authorize: ServiceDependencies["authorize"],
): Promise<boolean> {
  if (authorize === undefined) return true;
  try {
    return await authorize({ start, peer });
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw new RpcError("PERMISSION_DENIED", "not allowed to record", { cause: error });
  }
}

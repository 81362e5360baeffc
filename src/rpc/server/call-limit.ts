import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { onAbort } from "../../async/abort.js";

/**
 * Limits a streaming method to `max` concurrent calls; further calls fail with RESOURCE_EXHAUSTED.
 *
 * @param name What is limited, for the message: `health watches`.
 */
export function limitCalls<Request, Response>(
  name: string,
  max: number,
  method: (request: Request, context: HandlerContext) => AsyncIterable<Response>,
): (request: Request, context: HandlerContext) => AsyncGenerator<Response, void, undefined> {
  let calls = 0;
  return async function* limited(request, context) {
    if (calls >= max) throw new ConnectError(`at most ${max} ${name} at once`, Code.ResourceExhausted);
    calls++;
    let isCounted = true;
    function release(): void {
      if (isCounted) calls--;
      isCounted = false;
    }
    // The in-memory transport of Connect never resumes the method of a cancelled call.
    const removeListener = onAbort(context.signal, release);
    try {
      yield* method(request, context);
    } finally {
      removeListener();
      release();
    }
  };
}

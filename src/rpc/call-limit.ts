import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { onAbort } from "../async/abort.js";

/**
 * The same streaming method, at most `max` calls of it at once; one more fails with RESOURCE_EXHAUSTED.
 *
 * @param name Of what is limited, for the message: `health watches`.
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
    // Connect in memory never resumes a method whose call was cancelled.
    const removeListener = onAbort(context.signal, release);
    try {
      yield* method(request, context);
    } finally {
      removeListener();
      release();
    }
  };
}

import { setMaxListeners } from "node:events";
import type { DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { untilAborted } from "../async/abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aListOf, aPositiveNumber, aString } from "../errors/value-checks.js";
import { limitCalls } from "./call-limit.js";
import { boundedMessage } from "./grpc-message.js";
import { runtimeService } from "./runtime-file.js";

// https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto
const health = runtimeService({
  package: "grpc.health.v1",
  service: "Health",
  messages: {
    HealthCheckRequest: [["service", 1, "string"]],
    HealthCheckResponse: [["status", 1, "HealthCheckResponse.ServingStatus"]],
  },
  enums: { "HealthCheckResponse.ServingStatus": ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] },
  methods: [
    ["Check", "HealthCheckRequest", "HealthCheckResponse", "unary"],
    ["Watch", "HealthCheckRequest", "HealthCheckResponse", "server"],
  ],
});

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** Descriptor of `grpc.health.v1.Health`. */
export const Health = health.service;

/** Health by gRPC's own protocol, for probes of Kubernetes, `grpc_health_probe` and load balancers. */
export interface HealthService {
  /** Mounts the service on a Connect router. */
  readonly routes: (router: ConnectRouter) => void;
  /** Says from now on that nothing is served, and ends the calls of those who watch. */
  shutdown(): void;
}

/** What a health service bounds. */
export interface HealthServiceOptions {
  /** Calls of Watch at once, 256 by default; one more fails with RESOURCE_EXHAUSTED. */
  readonly maxWatches?: number;
}

const HEALTH_OPTIONS: OptionTable<HealthServiceOptions> = { maxWatches: aPositiveNumber };

/** A watching client takes some 30 KB. */
const DEFAULT_MAX_WATCHES = 256;

/**
 * Health by gRPC's own protocol: serving until it is shut down.
 *
 * @param services The names that can be asked for; the empty name, for the server as a whole, always can.
 * @throws OptionsError; TypeError for services that are not strings.
 */
export function createHealthService(
  services: readonly string[],
  options: HealthServiceOptions = {},
): HealthService {
  checkArgument("createHealthService", "services", services, aListOf(aString));
  checkOptions("createHealthService", options, HEALTH_OPTIONS);
  const { maxWatches = DEFAULT_MAX_WATCHES } = options;
  const known = new Set(["", ...services]);
  let serving = true;
  const closing = new AbortController();
  // One listener a watch, which `maxWatches` bounds: Node's warning about eleven would be a false alarm.
  setMaxListeners(0, closing.signal);

  async function* watch(
    request: Message,
    { signal }: HandlerContext,
  ): AsyncGenerator<{ status: number }, void, undefined> {
    if (!known.has(serviceOf(request))) yield { status: SERVICE_UNKNOWN };
    else yield { status: serving ? SERVING : NOT_SERVING };
    if (!serving) return;
    await untilAborted(signal, closing.signal);
    if (known.has(serviceOf(request))) yield { status: NOT_SERVING };
  }

  return {
    routes: (router) => {
      // What kind of methods they are, the table above says.
      const { check, watch: watching } = health.service.method;
      router.rpc(check as DescMethodUnary, (request) => {
        const service = serviceOf(request);
        if (!known.has(service))
          throw new ConnectError(boundedMessage(`unknown service ${service}`), Code.NotFound);
        return { status: serving ? SERVING : NOT_SERVING };
      });
      router.rpc(watching as DescMethodServerStreaming, limitCalls("health watches", maxWatches, watch));
    },
    shutdown: () => {
      serving = false;
      closing.abort();
    },
  };
}

/** The service asked for; the descriptor is made at run time, so that the type does not say that it is there. */
function serviceOf(request: Message): string {
  return (request as Message & { service: string }).service;
}

import { setMaxListeners } from "node:events";
import type { DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { untilAborted } from "../../async/abort.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { aListOf, aPositiveNumber, aString } from "../../errors/value-checks.js";
import { boundedMessage } from "../grpc-message.js";
import { runtimeService } from "../runtime-file.js";
import { limitCalls } from "./call-limit.js";

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

/** The gRPC health checking protocol, for Kubernetes probes, `grpc_health_probe` and load balancers. */
export interface HealthService {
  /** Mounts the service on a Connect router. */
  readonly routes: (router: ConnectRouter) => void;
  /** Reports NOT_SERVING from now on, and ends all Watch calls. */
  shutdown(): void;
}

/** Limits of a health service. */
export interface HealthServiceOptions {
  /** Maximum number of concurrent Watch calls; further calls fail with RESOURCE_EXHAUSTED. Default 256. */
  readonly maxWatches?: number;
}

const HEALTH_OPTIONS: OptionTable<HealthServiceOptions> = { maxWatches: aPositiveNumber };

/** A Watch call uses about 30 KB. */
const DEFAULT_MAX_WATCHES = 256;

/**
 * Creates a gRPC health service that reports SERVING until it is shut down.
 *
 * @param services Full names of the services that clients can query, besides the empty name for the whole server.
 * @throws OptionsError; TypeError if `services` is not a list of strings.
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
  // One listener per watch, bounded by `maxWatches`: Node's warning at eleven would be a false alarm.
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
      // The casts are true by the table above.
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

/** The service in a request. The cast is true because the descriptor, built at run time, declares the field. */
function serviceOf(request: Message): string {
  return (request as Message & { service: string }).service;
}

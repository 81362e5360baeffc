import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Observer } from "../../gen/observer/observer_pb.js";
import type { RecorderService } from "../../recorder/service.js";
import { recorderRoutes } from "./connect-service.js";
import { createHealthService, Health, type HealthService } from "./health.js";
import { reflectionRoutes } from "./reflection.js";

/** Services that a server mounts in addition to the Recorder. */
export interface ServiceOptions {
  readonly routes: ((router: ConnectRouter) => void) | undefined;
  readonly health: boolean;
  readonly reflection: boolean;
  readonly maxHealthWatches: number | undefined;
}

/** Result of {@link mountServices}. */
export interface MountedServices {
  readonly health: HealthService;
  /** Full names of the mounted services. */
  readonly names: ReadonlySet<string>;
  /** Whether a path is that of a method with a single request message. */
  takesOneMessage(path: string): boolean;
}

/** The name that `hubble status` (v1.16.2) uses to query the health of an Observer. */
const OBSERVER_HEALTH_NAME = "hubble.server.Observer";

/** Mounts the Recorder, further services, and health (unless `routes` has its own) and reflection for all of them. */
export function mountServices(
  router: ConnectRouter,
  service: RecorderService,
  { routes, health: hasHealth, reflection, maxHealthWatches }: ServiceOptions,
): MountedServices {
  recorderRoutes(service)(router);
  routes?.(router);
  const services = servicesOf(router);
  const names = [...services].map(({ typeName }) => typeName);
  if (names.includes(Observer.typeName)) names.push(OBSERVER_HEALTH_NAME);
  const health = createHealthService(
    names,
    maxHealthWatches === undefined ? {} : { maxWatches: maxHealthWatches },
  );
  if (hasHealth && !names.includes(Health.typeName)) {
    health.routes(router);
    services.add(Health);
  }
  if (reflection) reflectionRoutes([...services])(router);
  const paths = new Set(
    router.handlers
      .filter(({ method: { methodKind } }) => methodKind === "unary" || methodKind === "server_streaming")
      .map(({ requestPath }) => requestPath),
  );
  return {
    health,
    names: new Set([...servicesOf(router)].map(({ typeName }) => typeName)),
    takesOneMessage: (path) => paths.has(path),
  };
}

function servicesOf(router: ConnectRouter): Set<DescService> {
  return new Set(router.handlers.map(({ service }) => service));
}

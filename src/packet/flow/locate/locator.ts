import type { FlowOptions } from "../flow-options.js";
import type { LocateFlowLayers } from "./flow-layers.js";
import { locateLenient } from "./locate-lenient.js";
import { locateStrict } from "./locate-strict.js";
import { DEFAULT_TUNNEL_PORTS, locateThroughTunnels } from "./tunnel.js";

/** The options of a decoder that decide which layers a flow describes. */
export type LocateOptions = Pick<FlowOptions, "strict" | "tunnels">;

/** The function that locates layers as these options ask. */
export function locatorOf({ strict = false, tunnels = false }: LocateOptions): LocateFlowLayers {
  if (strict) return locateStrict;
  if (tunnels === false) return locateLenient;
  if (tunnels === true) return locateThroughTunnels(DEFAULT_TUNNEL_PORTS);
  return locateThroughTunnels({ vxlan: [], geneve: [], ...tunnels });
}

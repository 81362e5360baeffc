import type { Flow } from "../../gen/flow/flow_pb.js";

/** The flow of a packet with the names of a flow in the same direction. */
export function withNamesOf(flow: Flow, known: Flow): Flow {
  const { source, destination, sourceNames, destinationNames, sourceService, destinationService } = known;
  return {
    ...flow,
    ...(source && { source }),
    ...(destination && { destination }),
    sourceNames,
    destinationNames,
    ...(sourceService && { sourceService }),
    ...(destinationService && { destinationService }),
    nodeName: known.nodeName,
  };
}

/** The flow of a packet with the names of a flow in the other direction. */
export function withReversedNames(decoded: Flow, other: Flow): Flow {
  const { source, destination, sourceNames, destinationNames, sourceService, destinationService } = other;
  return {
    ...decoded,
    ...(destination && { source: destination }),
    ...(source && { destination: source }),
    sourceNames: destinationNames,
    destinationNames: sourceNames,
    ...(destinationService && { sourceService: destinationService }),
    ...(sourceService && { destinationService: sourceService }),
    nodeName: other.nodeName,
  };
}

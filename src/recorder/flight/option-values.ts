/** Which packets a trigger is about. */
export const FLIGHT_SCOPES = ["all", "endpoints", "conversation"] as const;

/**
 * Which packets a capture contains: `all`, those from and to either address of the flow that triggered it (`endpoints`),
 * or those between its addresses, ports and protocol in both directions (`conversation`).
 */
export type FlightScope = (typeof FLIGHT_SCOPES)[number];

/** The minimum size of a ring in bytes: a packet of the maximum length must fit. */
export const MIN_RING_BYTES = 512 * 1024;
/** The maximum size of a ring in bytes. */
export const MAX_RING_BYTES = 2 ** 32 - 1;
/** Default size of the ring: 64 MiB, about 127,000 packets of 512 bytes. */
export const DEFAULT_RING_BYTES = 64 * 1024 * 1024;

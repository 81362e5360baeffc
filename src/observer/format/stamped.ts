import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** An event with the time and node name of its envelope. */
export interface Stamped<Event> {
  readonly event: Event;
  readonly time: Timestamp | undefined;
  readonly nodeName: string;
}

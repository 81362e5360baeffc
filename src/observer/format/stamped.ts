import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** An event that has its time and its node in the envelope around it. */
export interface Stamped<Event> {
  readonly event: Event;
  readonly time: Timestamp | undefined;
  readonly nodeName: string;
}

import type { Paint } from "./paint.js";
import type { FormatTime } from "./time.js";

/** How every part of the text is written: the options, ready for use. */
export interface Style {
  readonly time: FormatTime;
  /** Passes every text that comes from outside, before any colour is added. */
  readonly clean: (text: string) => string;
  readonly paint: Paint;
  readonly ipTranslation: boolean;
  readonly nodeName: boolean;
}

/** A line of a `dict` record, or a cell below its heading. */
export type Field = readonly [label: string, value: string];

/** The ways to write one kind of event. */
export interface EventForm<Event> {
  /** Kinds with the same columns share a table. */
  readonly table: "flows" | "agent events" | "debug events";
  /** One line, without its end. */
  readonly compact: (event: Event, style: Style) => string;
  readonly fields: (event: Event, style: Style) => Field[];
  readonly cells: (event: Event, style: Style) => Field[];
  /** What stands between two `dict` records, before the second. */
  readonly separator: string;
}

export const SEPARATOR = "------------\n";

/** The time and, if wanted, the node: what every record begins with. */
export function stampFields(time: string, nodeName: string, style: Style): Field[] {
  const stamp: Field = ["TIMESTAMP", time];
  return style.nodeName ? [stamp, ["NODE", style.clean(nodeName)]] : [stamp];
}

/** The same as the beginning of a line. */
export function stampText(time: string, nodeName: string, style: Style): string {
  return style.nodeName ? `${time} [${style.clean(nodeName)}]` : time;
}

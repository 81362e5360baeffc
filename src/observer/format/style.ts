import type { HubbleRules } from "../../hubble/rules.js";
import type { Paint } from "./paint.js";
import type { FormatTime } from "./time.js";

/** The compiled format options. */
export interface Style {
  readonly time: FormatTime;
  /** Escapes external strings; applied before colors are added. */
  readonly clean: (text: string) => string;
  readonly paint: Paint;
  readonly ipTranslation: boolean;
  readonly nodeName: boolean;
  /** Whether policy verdicts name the policies that decided. */
  readonly policyNames: boolean;
  readonly rules: HubbleRules;
}

/** A line of a `dict` record, or a table cell with its heading. */
export type Field = readonly [label: string, value: string];

/** The formats of one kind of event. */
export interface EventForm<Event> {
  /** Kinds with the same table name share a table. */
  readonly table: "flows" | "agent events" | "debug events";
  /** One line without a line feed. */
  readonly compact: (event: Event, style: Style) => string;
  readonly fields: (event: Event, style: Style) => Field[];
  readonly cells: (event: Event, style: Style) => Field[];
  /** The separator before every `dict` record except the first. */
  readonly separator: string;
}

export const SEPARATOR = "------------\n";

/** The first fields of every record: the time and, if enabled, the node. */
export function stampFields(time: string, nodeName: string, style: Style): Field[] {
  const stamp: Field = ["TIMESTAMP", time];
  return style.nodeName ? [stamp, ["NODE", style.clean(nodeName)]] : [stamp];
}

/** The time and, if enabled, the node as the beginning of a line. */
export function stampText(time: string, nodeName: string, style: Style): string {
  return style.nodeName ? `${time} [${style.clean(nodeName)}]` : time;
}

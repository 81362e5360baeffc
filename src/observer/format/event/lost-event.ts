import { type LostEvent, LostEventSourceSchema } from "../../../gen/flow/flow_pb.js";
import type { HubbleRules } from "../../../hubble/rules.js";
import { enumName } from "../../../message/proto-text.js";
import type { Stamped } from "../stamped.js";
import { type EventForm, type Field, SEPARATOR, stampFields } from "../style.js";
import type { FormatTime } from "../time.js";

/** The form of lost events: with their times if the version prints them by itself. */
export function lostEventForm({ printsLostEvents }: HubbleRules): EventForm<Stamped<LostEvent>> {
  return printsLostEvents ? TIMED_FORM : UNTIMED_FORM;
}

/** The output of Hubble 1.17. */
const UNTIMED_FORM: EventForm<Stamped<LostEvent>> = {
  table: "flows",

  compact: ({ event }) => `EVENTS LOST: ${sourceOf(event)} ${cpuOf(event)} ${event.numEventsLost}`,

  fields: ({ event }, style) => [
    ...stampFields("", "", style),
    ["SOURCE", sourceOf(event)],
    ...describe("", summaryOf(event)),
  ],

  cells: ({ event }, style) => [
    ...stampFields("", "", style),
    ["SOURCE", sourceOf(event)],
    ["DESTINATION", ""],
    ...describe("", summaryOf(event)),
  ],

  separator: SEPARATOR,
};

/** The output of Hubble 1.19. It never has the node in `compact`. */
const TIMED_FORM: EventForm<Stamped<LostEvent>> = {
  table: "flows",

  compact: ({ event, time }, style) =>
    `${style.time(time)} EVENTS LOST: ${sourceOf(event)} ${cpuOf(event)} ${event.numEventsLost}${periodOf(event, style.time)}`,

  fields: ({ event, time, nodeName }, style) => [
    ...stampFields(style.time(time), nodeName || "-", style),
    ["SOURCE", sourceOf(event)],
    ...describe("-", summaryOf(event) + periodOf(event, style.time)),
  ],

  cells: ({ event, time, nodeName }, style) => [
    ...stampFields(style.time(time), nodeName || "-", style),
    ["SOURCE", sourceOf(event)],
    ["DESTINATION", "-"],
    ...describe("-", summaryOf(event) + periodOf(event, style.time)),
  ],

  separator: SEPARATOR,
};

function describe(verdict: string, summary: string): Field[] {
  return [
    ["TYPE", "EVENTS LOST"],
    ["VERDICT", verdict],
    ["SUMMARY", summary],
  ];
}

function sourceOf({ source }: LostEvent): string {
  return enumName(LostEventSourceSchema, source);
}

function cpuOf({ cpu }: LostEvent): string {
  return `CPU(${cpu ?? 0})`;
}

function summaryOf(event: LostEvent): string {
  return `${cpuOf(event)} - ${event.numEventsLost}`;
}

/** When the first and the last event were lost, if both are known. */
function periodOf({ first, last }: LostEvent, formatTime: FormatTime): string {
  if (first === undefined || last === undefined) return "";
  return ` (first: ${formatTime(first)}, last: ${formatTime(last)})`;
}

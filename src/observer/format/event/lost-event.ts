import { type LostEvent, LostEventSourceSchema } from "../../../gen/flow/flow_pb.js";
import { enumName } from "../../../message/proto-text.js";
import { type EventForm, type Field, SEPARATOR, stampFields } from "../style.js";

/** The output of Hubble 1.17 and later for lost events. */
export const LOST_EVENT_FORM: EventForm<LostEvent> = {
  table: "flows",

  compact: ({ source, cpu, numEventsLost }) =>
    `EVENTS LOST: ${enumName(LostEventSourceSchema, source)} CPU(${cpu ?? 0}) ${numEventsLost}`,

  fields: (event, style) => [...stampFields("", "", style), ...describe(event, [])],

  cells: (event, style) => [...stampFields("", "", style), ...describe(event, [["DESTINATION", ""]])],

  separator: SEPARATOR,
};

function describe({ source, cpu, numEventsLost }: LostEvent, destination: Field[]): Field[] {
  return [
    ["SOURCE", enumName(LostEventSourceSchema, source)],
    ...destination,
    ["TYPE", "EVENTS LOST"],
    ["VERDICT", ""],
    ["SUMMARY", `CPU(${cpu ?? 0}) - ${numEventsLost}`],
  ];
}

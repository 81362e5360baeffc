import { type EventForm, type Field, SEPARATOR, type Style } from "./style.js";
import { createTable, splitCells } from "./table.js";

/** Writes events of any kind, one after another, in a text format. */
export interface EventWriter {
  write<Event>(form: EventForm<Event>, event: Event): string;
  /** For records: returns the separator for a record that is written elsewhere. */
  separate?(): string;
  /** Returns the buffered output. */
  end(): string;
}

/** Creates the writer of a format. */
export type CreateWriter = (style: Style, options: { readonly rawControls: boolean }) => EventWriter;

export function createCompactWriter(style: Style): EventWriter {
  return { write: (form, event) => `${form.compact(event, style)}\n`, end: () => "" };
}

export function createDictWriter(style: Style): EventWriter {
  let first = true;

  function separate(separator: string = SEPARATOR): string {
    const text = first ? "" : separator;
    first = false;
    return text;
  }

  return {
    write: (form, event) => separate(form.separator) + formatRecord(form.fields(event, style)),
    separate: () => separate(),
    end: () => "",
  };
}

const LABEL_WIDTH = "DESTINATION".length;

/** Formats one line per field, with the colons aligned. */
export function formatRecord(fields: readonly Field[], width: number = LABEL_WIDTH): string {
  return fields.map(([label, value]) => `${label.padStart(width)}: ${value}\n`).join("");
}

/** Starts a new table when an event has other columns. */
export function createTableWriter(
  style: Style,
  { rawControls }: { readonly rawControls: boolean },
): EventWriter {
  const table = createTable();
  let current: EventForm<unknown>["table"] | undefined;
  return {
    write(form, event) {
      const fields = form.cells(event, style);
      let text = "";
      if (form.table !== current) {
        text += table.flush();
        text += table.add(fields.map(([label]) => label));
        current = form.table;
      }
      const cells = fields.map(([, value]) => value);
      if (!rawControls) return text + table.add(cells);
      for (const line of splitCells(cells.join("\t"))) {
        text += table.add(line.cells);
        if (line.endsColumns) text += table.flush();
      }
      return text;
    },
    end: () => table.flush(),
  };
}

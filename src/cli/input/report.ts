import { reportOnce } from "../../observer/report-once.js";
import { linkTypeName } from "../../packet/link-type.js";
import { errorText } from "../error-text.js";
import type { Messages } from "../io/messages.js";

/** Maximum number of skipped lines, packets or events to report individually per input. */
export const MAX_REPORTED = 10;

/** Records and reports what could not be read. */
export interface InputReport {
  /** Whether an input could not be opened, or not read to its end. */
  readonly hasFailed: boolean;
  /** Whether lines, packets or events were skipped, or packets could not be decoded. */
  readonly isIncomplete: boolean;
  skipped(what: "line" | "packet" | "event", input: string, message: string): void;
  /** @param line Undefined if it is not known. */
  unknownField(input: string, line: number | undefined, message: string): void;
  /** Reports packets of an unsupported link type; call it once per input and link type. */
  unsupportedLinkType(input: string, linkType: number, packets: number): void;
  failed(error: unknown): void;
  /** Call it when an input has ended: reports how much of it was skipped. */
  ended(input: string): void;
}

export function createInputReport(messages: Messages): InputReport {
  let hasFailed = false;
  let isIncomplete = false;
  const reportUnknown = reportOnce<[where: string]>(
    (message, where) => messages.report(`${where}${message}; kept in JSON output, ignored otherwise`),
    (where) => messages.report(`${where}more unknown fields, which are not reported`),
  );
  const counts = { line: 0, packet: 0, event: 0 };
  return {
    get hasFailed() {
      return hasFailed;
    },
    get isIncomplete() {
      return isIncomplete;
    },
    skipped(what, input, message) {
      isIncomplete = true;
      counts[what]++;
      if (counts[what] <= MAX_REPORTED) messages.report(`${input}: ${message}`);
      if (counts[what] === MAX_REPORTED + 1)
        messages.report(`${input}: more ${what}s cannot be ${what === "event" ? "printed" : "read"} …`);
    },
    unknownField(input, line, message) {
      // Reported once for all inputs.
      reportUnknown(message, line === undefined ? `${input}: ` : `${input}: line ${line}: `);
    },
    unsupportedLinkType(input, linkType, packets) {
      isIncomplete = true;
      const what = packets === 1 ? "1 packet" : `${packets} packets`;
      messages.report(
        `${input}: ${what} of ${linkTypeName(linkType)} cannot be decoded: the link type is not supported`,
      );
    },
    failed(error) {
      hasFailed = true;
      messages.report(errorText(error));
    },
    ended(input) {
      for (const what of ["line", "packet", "event"] as const) {
        const count = counts[what];
        if (count > 0) messages.report(`${input}: ${count} ${what}${count === 1 ? "" : "s"} skipped`);
        counts[what] = 0;
      }
    },
  };
}

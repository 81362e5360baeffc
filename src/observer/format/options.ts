import type { Registry } from "@bufbuild/protobuf";
import type { OptionTable } from "../../errors/check-options.js";
import { aBoolean, aFunction, oneOf } from "../../errors/value-checks.js";
import { aRegistry } from "../json/registry.js";
import { escapeControls } from "./escape.js";
import { COLORS, NO_COLORS } from "./paint.js";
import type { Style } from "./style.js";
import { createTimeFormat, TIME_FORMATS, type TimeFormat } from "./time.js";

/** The forms that `hubble observe -o` knows; `tab` and `table` are one, and so are `json` and `jsonpb`. */
export const OUTPUT_FORMATS = ["compact", "dict", "tab", "table", "json", "jsonpb"] as const;

/** One of {@link OUTPUT_FORMATS}. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** How flows are printed; without any option as `hubble observe --color never` prints, except that controls are escaped. */
export interface FormatFlowOptions {
  /** Default `compact`. */
  readonly output?: OutputFormat | undefined;
  /** Default `StampMilli`. JSON has its own form of times. */
  readonly timeFormat?: TimeFormat | undefined;
  /** ANSI colours in `compact` and `dict`; whether the output is a terminal is for the caller to find out. Default false. */
  readonly color?: boolean | undefined;
  /** Whether pods, services and names stand for addresses, where flows have them. Default true. */
  readonly ipTranslation?: boolean | undefined;
  /** Whether the node is named. Default false. */
  readonly nodeName?: boolean | undefined;
  /** Whether also nodes that come and go, and lost events, are told on `err`. Default false. */
  readonly debug?: boolean | undefined;
  /** Whether lost events are printed on `out`, as Hubble 1.17 and later do. Default false. */
  readonly lostEvents?: boolean | undefined;
  /**
   * Whether control characters, bidi controls and the like are passed on as they are, as Hubble up to 1.17.4 does: an
   * attacker who chooses a URL or a DNS name can then write into the terminal. Default false.
   */
  readonly rawControls?: boolean | undefined;
  /** With `json` (not `jsonpb`): the event alone, without node name and time around it. Default false. */
  readonly legacyJson?: boolean | undefined;
  /** In JSON: the types that `extensions` of flows may hold; Hubble's own and the well-known ones by default. */
  readonly registry?: Registry | undefined;
  /** In JSON: as `onUndecodableExtension` of `encodeExportLine`. */
  readonly onUndecodableExtension?: ((typeUrl: string) => void) | undefined;
}

/** What the options must be. */
export const FORMAT_OPTIONS: OptionTable<FormatFlowOptions> = {
  output: oneOf(...OUTPUT_FORMATS),
  timeFormat: oneOf(...TIME_FORMATS),
  color: aBoolean,
  ipTranslation: aBoolean,
  nodeName: aBoolean,
  debug: aBoolean,
  lostEvents: aBoolean,
  rawControls: aBoolean,
  legacyJson: aBoolean,
  registry: aRegistry,
  onUndecodableExtension: aFunction,
};

/** The style that checked options ask for. */
export function createStyle(options: FormatFlowOptions): Style {
  const { output, timeFormat = "StampMilli", color = false, rawControls = false } = options;
  const isTable = output === "tab" || output === "table";
  return {
    time: createTimeFormat(timeFormat),
    clean: rawControls ? (text) => text : escapeControls,
    // Hubble never colours a table: escape sequences would count as width.
    paint: color && !isTable ? COLORS : NO_COLORS,
    ipTranslation: options.ipTranslation ?? true,
    nodeName: options.nodeName ?? false,
  };
}

import type { Registry } from "@bufbuild/protobuf";
import type { OptionTable } from "../../errors/check-options.js";
import { aBoolean, aFunction, oneOf } from "../../errors/value-checks.js";
import { aHubbleVersion, type HubbleVersion } from "../../hubble/version.js";
import { aRegistry } from "../../message/json/registry.js";
import { escapeControls } from "./escape.js";
import { OUTPUT_FORMATS, type OutputFormat, traitsOf } from "./output-format.js";
import { COLORS, NO_COLORS } from "./paint.js";
import type { Style } from "./style.js";
import { createTimeFormat, TIME_FORMATS, type TimeFormat } from "./time.js";

/**
 * Options for printing flows. The defaults match `hubble observe --color never`, except that control characters are
 * escaped.
 */
export interface FormatFlowOptions {
  /** The version of Hubble whose output is printed. Default `1.16`. */
  readonly hubble?: HubbleVersion | undefined;
  /** The output format. Default `compact`. */
  readonly output?: OutputFormat | undefined;
  /** The format of times. Default `StampMilli`. Not used for JSON. */
  readonly timeFormat?: TimeFormat | undefined;
  /**
   * Whether to use ANSI colors in `compact` and `dict`. The caller decides whether the output is a terminal. Default
   * false.
   */
  readonly color?: boolean | undefined;
  /** Whether to show pods, services and names instead of addresses where flows have them. Default true. */
  readonly ipTranslation?: boolean | undefined;
  /** Whether to show the node name. Default false. */
  readonly nodeName?: boolean | undefined;
  /** Whether to report all node status events, and lost events, on `err`. Default false. */
  readonly debug?: boolean | undefined;
  /** Whether to print lost events on `out`, as Hubble 1.17 and later do. Default false. */
  readonly lostEvents?: boolean | undefined;
  /**
   * Whether to print control characters, bidi controls and similar characters unescaped, as Hubble up to 1.17.4 does.
   * An attacker who controls a URL or a DNS name can then send control sequences to the terminal. Default false.
   */
  readonly rawControls?: boolean | undefined;
  /** With `json` (not `jsonpb`): print only the event, without the envelope's node name and time. Default false. */
  readonly legacyJson?: boolean | undefined;
  /** For JSON: the types of messages in the `extensions` of flows; Hubble's own and the well-known types by default. */
  readonly registry?: Registry | undefined;
  /** For JSON: the option `onUndecodableExtension` of `encodeExportLine`. */
  readonly onUndecodableExtension?: ((typeUrl: string) => void) | undefined;
}

/** The checks for these options. */
export const FORMAT_OPTIONS: OptionTable<FormatFlowOptions> = {
  hubble: aHubbleVersion,
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

/** Creates the style for checked options. */
export function createStyle(options: FormatFlowOptions): Style {
  const { output, timeFormat = "StampMilli", color = false, rawControls = false } = options;
  return {
    time: createTimeFormat(timeFormat),
    clean: rawControls ? (text) => text : escapeControls,
    paint: color && traitsOf(output).hasColors ? COLORS : NO_COLORS,
    ipTranslation: options.ipTranslation ?? true,
    nodeName: options.nodeName ?? false,
  };
}

import type { Registry } from "@bufbuild/protobuf";
import type { OptionTable } from "../../errors/check-options.js";
import { aBoolean, aFunction, oneOf } from "../../errors/value-checks.js";
import { aHubbleVersion, type HubbleVersion, rulesOf } from "../../hubble/version.js";
import { aRegistry } from "../../message/json/registry.js";
import { createEscape } from "./escape.js";
import { OUTPUT_FORMATS, type OutputFormat, traitsOf } from "./output-format.js";
import { COLORS, NO_COLORS } from "./paint.js";
import type { Style } from "./style.js";
import { createTimeFormat, TIME_FORMATS, type TimeFormat } from "./time.js";

/**
 * Options for printing flows. The defaults match `hubble observe --color never`, except that control characters are
 * escaped.
 */
export interface FormatFlowOptions {
  /** The version of Hubble whose output is printed. Default `1.16`; docs/versions.md lists the differences. */
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
  /** Whether to append the names and kinds of the policies to policy verdicts. Not used for JSON. Default false. */
  readonly policyNames?: boolean | undefined;
  /** Whether to report all node status events, and lost events that are not printed, on `err`. Default false. */
  readonly debug?: boolean | undefined;
  /**
   * Whether to print lost events on `out`. Default: whether the version does, thus true for `1.19`. For `1.16`, the form is
   * that of Hubble 1.17, without a time.
   */
  readonly lostEvents?: boolean | undefined;
  /**
   * Whether to print control characters, bidi controls and similar characters exactly as the version of Hubble does:
   * `1.16` escapes none, `1.19` only ESC and carriage returns, and with `color` not the sequences of its own colors. An
   * attacker who controls a URL or a DNS name can then start new lines, and with `1.16` send any control sequence to the
   * terminal. Default false: all are escaped.
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
  policyNames: aBoolean,
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
  const hasColors = color && traitsOf(output).hasColors;
  const rules = rulesOf(options.hubble);
  return {
    time: createTimeFormat(timeFormat),
    clean: createEscape(rawControls ? rules.escapes : "all", hasColors),
    paint: hasColors ? COLORS : NO_COLORS,
    ipTranslation: options.ipTranslation ?? true,
    nodeName: options.nodeName ?? false,
    policyNames: options.policyNames ?? false,
    rules,
  };
}

import { parseAtoi } from "../../go/strconv/parse-integer.js";
import { Fault } from "./fault.js";

/** The maximum number of cached zones. A filter usually names one or two, but zones may also come from flows. */
export const ZONE_MEMO_ENTRIES = 64;

/**
 * Returns the offset of a zone in seconds east of UTC at a time in seconds since 1970. Zones have the form that
 * cel-go's getters accept. A string with a colon is an offset `[+-]HH:MM`: any two integers, unbounded; a leading `-`
 * applies to both. All other strings are names as in Go's `time.LoadLocation`: empty or `UTC`, `Local` (treated as UTC,
 * which is the setting in Hubble's containers), or a name of the IANA database with its exact spelling. Throws a
 * {@link Fault} for an invalid zone.
 */
export function zoneOffset(zone: string, seconds: number): number {
  let offsetAt = zones.get(zone);
  if (offsetAt === undefined) {
    offsetAt = zone.includes(":") ? fixed(readOffset(zone)) : readName(zone);
    if (zones.size >= ZONE_MEMO_ENTRIES) zones.clear();
    zones.set(zone, offsetAt);
  }
  return offsetAt(seconds);
}

type OffsetAt = (seconds: number) => number;

const zones = new Map<string, OffsetAt>();

function fixed(offset: number): OffsetAt {
  return () => offset;
}

const UTC = fixed(0);

/** Computes in 64 bits like Go, so minutes out of range wrap around. */
function readOffset(zone: string): number {
  const colon = zone.indexOf(":");
  const hours = readInteger(zone.slice(0, colon));
  const minutes = readInteger(zone.slice(colon + 1));
  const total = BigInt.asIntN(64, hours * 60n + (zone.startsWith("-") ? -minutes : minutes));
  return Number(BigInt.asIntN(64, total * MINUTE_NANOS) / SECOND_NANOS);
}

const SECOND_NANOS = 1_000_000_000n;
const MINUTE_NANOS = 60n * SECOND_NANOS;

function readInteger(text: string): bigint {
  const parsed = parseAtoi(text);
  if ("fault" in parsed) throw new Fault(parsed.fault);
  return parsed.value;
}

function readName(name: string): OffsetAt {
  if (name === "" || name === "UTC" || name === "Local") return UTC;
  if (name.includes("..") || name.startsWith("/") || name.startsWith("\\")) {
    throw new Fault("time: invalid location name");
  }
  // The IANA database has this file for machines without a configured zone; JavaScript does not support it.
  if (name === "Factory") return UTC;
  const format = isSpelledRight(name) ? formatIn(name) : undefined;
  if (format === undefined) throw new Fault(`unknown time zone ${name}`);
  return offsetsOf(format);
}

function formatIn(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch {
    return undefined; // unknown zone
  }
}

/** Caches the offset of the last minute, as the flows of a batch usually have similar times. */
function offsetsOf(format: Intl.DateTimeFormat): OffsetAt {
  let knownMinute = Number.NaN;
  let known = 0;
  return (seconds) => {
    if (seconds < FULL_MINUTES) return readGmtOffset(format, seconds);
    const minute = Math.floor(seconds / 60);
    if (minute !== knownMinute) {
      known = readGmtOffset(format, seconds);
      knownMinute = minute;
    }
    return known;
  };
}

/** 1980. Since then, no zone has changed its offset within a minute. */
const FULL_MINUTES = 315_532_800;

/**
 * The offset at the end of a formatted time: `GMT`, `GMT-03:30`, or `GMT+02:30:17` before standard time was introduced.
 */
const GMT_OFFSET = /GMT(?:([+\-\u2212])(\d+):(\d+)(?::(\d+))?)?$/;

function readGmtOffset(format: Intl.DateTimeFormat, seconds: number): number {
  const time = Math.min(Math.max(seconds * 1000, -DATE_LIMIT_MS), DATE_LIMIT_MS);
  const [, sign, hours = 0, minutes = 0, rest = 0] = GMT_OFFSET.exec(format.format(time)) ?? [];
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
  return sign === undefined || sign === "+" ? offset : -offset;
}

/** The bounds of a JavaScript date; beyond them, the offset at the bound is used. */
const DATE_LIMIT_MS = 8.64e15;

/**
 * Whether the name has its exact spelling. Go looks up a zone by its file name; JavaScript ignores case and supports
 * additional names. Names without a slash are legacy names and are listed. In other names each word is capitalized,
 * with a few exceptions.
 */
function isSpelledRight(name: string): boolean {
  if (!name.includes("/")) return BARE_NAMES.has(name);
  if (name.length > MAX_NAME || !/^[A-Za-z][\w+/-]*$/.test(name) || /^systemv\//i.test(name)) return false;
  return name === name.toLowerCase().replace(/[a-z][a-z0-9]*/g, spell);
}

/** More than three times the longest current name. */
const MAX_NAME = 100;

function spell(word: string): string {
  return WORDS.get(word) ?? word.charAt(0).toUpperCase() + word.slice(1);
}

const BARE_NAMES: ReadonlySet<string> = new Set(
  (
    "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran Israel " +
    "Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore Turkey " +
    "UCT Universal W-SU WET Zulu"
  ).split(" "),
);

const WORDS: ReadonlyMap<string, string> = new Map(
  (
    "ACT BajaNorte BajaSur ComodRivadavia DeNoronha DumontDUrville EasterIsland GMT GMT0 IN LHI McMurdo NSW UCT US UTC " +
    "au es of"
  )
    .split(" ")
    .map((word) => [word.toLowerCase(), word]),
);

import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/cel/value/fault.js";
import { ZONE_MEMO_ENTRIES, zoneOffset } from "../../../src/cel/value/time-zone.js";

const at = (text: string): number => Date.parse(text) / 1000;
const fault = (message: string): Error => new Fault(message) as unknown as Error;

describe("zoneOffset: offsets", () => {
  test.each([
    ["+02:00", 7200],
    ["02:00", 7200],
    ["-02:30", -9000],
    ["-00:30", -1800],
    ["-00:00", 0],
    ["+14:00", 50_400],
    // cel-go has no bounds, and reads each side of the colon as any number.
    ["99:99", 362_340],
    ["1:2", 3720],
    ["+01:-30", 1800],
    ["-1:-30", -1800],
    ["+0001:+005", 3900],
    // In 64 bits.
    ["2562047:47", 9_223_372_020],
    ["2562047:48", -9_223_371_993],
    ["-9223372036854775808:00", 0],
  ])("%s", (zone, offset) => {
    expect(zoneOffset(zone, 0)).toBe(offset);
  });

  test.each([
    [":30", 'strconv.Atoi: parsing "": invalid syntax'],
    ["+:30", 'strconv.Atoi: parsing "+": invalid syntax'],
    ["+01:", 'strconv.Atoi: parsing "": invalid syntax'],
    ["01:02:03", 'strconv.Atoi: parsing "02:03": invalid syntax'],
    [" 01:00", 'strconv.Atoi: parsing " 01": invalid syntax'],
    ["UTC+01:00", 'strconv.Atoi: parsing "UTC+01": invalid syntax'],
    ["9223372036854775808:00", 'strconv.Atoi: parsing "9223372036854775808": value out of range'],
  ])("rejects %j", (zone, message) => {
    expect(() => zoneOffset(zone, 0)).toThrow(fault(message));
  });
});

describe("zoneOffset: names", () => {
  test.each([
    { zone: "", time: "2009-02-13T23:31:30Z", offset: 0 },
    { zone: "UTC", time: "2009-02-13T23:31:30Z", offset: 0 },
    { zone: "Local", time: "2009-02-13T23:31:30Z", offset: 0 },
    { zone: "Factory", time: "2009-02-13T23:31:30Z", offset: 0 },
    { zone: "Zulu", time: "2009-02-13T23:31:30Z", offset: 0 },
    { zone: "Etc/GMT+5", time: "2009-02-13T23:31:30Z", offset: -18_000 },
    { zone: "Australia/Sydney", time: "2009-02-13T23:31:30Z", offset: 39_600 },
    { zone: "US/Central", time: "2009-02-13T23:31:30Z", offset: -21_600 },
    { zone: "America/St_Johns", time: "2009-02-13T02:00:00Z", offset: -12_600 },
    { zone: "Asia/Kathmandu", time: "2009-02-13T23:31:30Z", offset: 20_700 },
    { zone: "EST5EDT", time: "2020-07-01T00:00:00Z", offset: -14_400 },
    { zone: "Europe/Berlin", time: "2024-03-31T00:59:59Z", offset: 3600 },
    { zone: "Europe/Berlin", time: "2024-03-31T01:00:00Z", offset: 7200 },
    { zone: "Europe/Berlin", time: "2099-07-01T00:00:00Z", offset: 7200 },
    // A clock changed one minute after midnight.
    { zone: "America/St_Johns", time: "2006-04-02T03:30:59Z", offset: -12_600 },
    { zone: "America/St_Johns", time: "2006-04-02T03:31:00Z", offset: -9000 },
    // Local mean time.
    { zone: "Europe/Berlin", time: "1850-01-01T00:00:00Z", offset: 3208 },
    { zone: "America/New_York", time: "1850-01-01T00:00:00Z", offset: -17_762 },
    { zone: "America/New_York", time: "-000100-01-01T00:00:00Z", offset: -17_762 },
    { zone: "Africa/Monrovia", time: "1971-01-01T00:00:00Z", offset: -2670 },
  ])("$zone at $time: $offset", ({ zone, time, offset }) => {
    expect(zoneOffset(zone, at(time))).toBe(offset);
  });

  test("accepts times outside the range of Date", () => {
    expect(zoneOffset("Asia/Tokyo", 9e15)).toBe(32_400);
    expect(zoneOffset("Asia/Tokyo", -9e15)).toBe(33_539);
  });

  test("caches the offset of a minute, not of the whole zone", () => {
    const zone = "America/Los_Angeles";
    const change = at("2024-11-03T09:00:00Z");
    const offsets = [-1, 0, -60, 59, -1, 60].map((delta) => zoneOffset(zone, change + delta));
    expect(offsets).toEqual([-25_200, -28_800, -25_200, -28_800, -25_200, -28_800]);
  });

  const names = [
    ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC"),
    ..."Africa/Asmera America/Argentina/ComodRivadavia America/Knox_IN America/Port-au-Prince Antarctica/DumontDUrville".split(
      " ",
    ),
    ..."Antarctica/McMurdo Asia/Istanbul Asia/Ust-Nera Atlantic/Faeroe Australia/ACT Australia/LHI Australia/NSW".split(
      " ",
    ),
    ..."Brazil/DeNoronha Canada/Newfoundland Chile/EasterIsland Etc/GMT Etc/GMT+0 Etc/GMT-14 Etc/GMT0 Etc/UCT Etc/UTC".split(
      " ",
    ),
    ..."Africa/Dar_es_Salaam America/Blanc-Sablon Europe/Isle_of_Man Mexico/BajaNorte Mexico/BajaSur US/East-Indiana".split(
      " ",
    ),
    ..."US/Indiana-Starke Asia/Calcutta Asia/Kolkata Europe/Kiev Europe/Kyiv Etc/Greenwich Etc/Zulu".split(
      " ",
    ),
    ..."CET CST6CDT Cuba EET EST Egypt Eire GB GB-Eire GMT+0 GMT-0 GMT0 HST Hongkong MET MST7MDT NZ NZ-CHAT".split(
      " ",
    ),
    ..."Navajo PRC PST8PDT ROC ROK UCT Universal W-SU WET".split(" "),
  ];

  test("accepts every zone in its own spelling only", () => {
    const refused = names.filter((name) => !isZone(name));
    const taken = names
      .flatMap((name) => [name.toLowerCase(), name.toUpperCase()])
      .filter((name) => !names.includes(name) && isZone(name));
    expect({ refused, taken }).toEqual({ refused: [], taken: [] });
    expect(names.length).toBeGreaterThan(450);
  });

  test.each([
    "utc",
    "local",
    "america/new_york",
    "America/new_York",
    "Europe/Nowhere",
    "Nowhere",
    "JST",
    "PST",
    "Net",
    "IST",
    "SystemV/PST8",
    "Systemv/Pst8",
    "+01",
    "+0100",
    "Europe/Berlin ",
    " UTC",
    "Europe/Berlín",
    "Europe//Berlin",
    "Europe/",
    "Europe",
    "A/".repeat(1000),
  ])("rejects %s", (zone) => {
    expect(() => zoneOffset(zone, 0)).toThrow(fault(`unknown time zone ${zone}`));
  });

  test.each(["../UTC", "Europe/../UTC", "/etc/localtime", "\\UTC"])("rejects %s without a lookup", (zone) => {
    expect(() => zoneOffset(zone, 0)).toThrow(fault("time: invalid location name"));
  });

  test("caches a bounded number of zones, with the same results afterwards", () => {
    for (let index = 0; index < 3 * ZONE_MEMO_ENTRIES; index++) {
      expect(zoneOffset(`+00:${index}`, 0)).toBe(index * 60);
      expect(zoneOffset("Asia/Tokyo", 0)).toBe(32_400);
    }
  });
});

function isZone(name: string): boolean {
  try {
    zoneOffset(name, 0);
    return true;
  } catch {
    return false;
  }
}

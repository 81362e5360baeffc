import fc from "fast-check";
import { expect, test } from "vitest";
import { dateOfDay, daysOf, daysSince1970 } from "../../../src/go/time/calendar.js";

test.each([
  { date: [1970, 1, 1], days: 0 },
  { date: [1969, 12, 31], days: -1 },
  { date: [2000, 2, 29], days: 11_016 },
  { date: [1900, 3, 1], days: -25_508 },
  { date: [1, 1, 1], days: -719_162 },
  { date: [9999, 12, 31], days: 2_932_896 },
] as const)("daysSince1970 and dateOfDay: $date is day $days", ({ date: [year, month, day], days }) => {
  expect(daysSince1970(year, month, day)).toBe(days);
  expect(dateOfDay(days)).toEqual({ year, month, day });
});

test("dateOfDay: returns an existing date, whose day is the given one", () => {
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (days) => {
      const { year, month, day } = dateOfDay(days);
      expect(daysSince1970(year, month, day)).toBe(days);
      expect(month).toBeGreaterThanOrEqual(1);
      expect(month).toBeLessThanOrEqual(12);
      expect(day).toBeGreaterThanOrEqual(1);
      expect(day).toBeLessThanOrEqual(daysOf(year, month));
    }),
  );
});

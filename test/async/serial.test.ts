import { describe, expect, test } from "vitest";
import { Serial } from "../../src/async/serial.js";

describe("Serial", () => {
  test("run: starts an operation when all earlier ones have settled", async () => {
    const serial = new Serial();
    const events: string[] = [];
    const operation = (name: string) => async () => {
      events.push(`${name} starts`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
      return name;
    };
    expect(serial.isIdle).toBe(true);
    const results = Promise.all([serial.run(operation("first")), serial.run(operation("second"))]);
    expect(serial.isIdle).toBe(false);
    expect(await results).toEqual(["first", "second"]);
    expect(events).toEqual(["first starts", "first ends", "second starts", "second ends"]);
    expect(serial.isIdle).toBe(true);
  });

  test("run: reports a failure to its own caller only", async () => {
    const serial = new Serial();
    const failed = serial.run(() => Promise.reject(new Error("first")));
    const succeeded = serial.run(async () => "second");
    await expect(failed).rejects.toThrow("first");
    await expect(succeeded).resolves.toBe("second");
    expect(serial.isIdle).toBe(true);
  });
});

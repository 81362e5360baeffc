import { describe, expect, test } from "vitest";
import { InterruptibleWait, LEFT } from "../../src/recorder/interruptible-wait.js";

const NEVER = new Promise<never>(() => {});

describe("InterruptibleWait", () => {
  test("for: settles as the promise does", async () => {
    const waits = new InterruptibleWait();
    await expect(waits.for(Promise.resolve(1))).resolves.toBe(1);
    await expect(waits.for(Promise.reject(new Error("full")))).rejects.toThrow("full");
    expect(waits.hasFailed).toBe(false);
  });

  test("fail: ends the pending wait and all later ones with the first error, even undefined", async () => {
    const waits = new InterruptibleWait();
    const pending = waits.for(NEVER);
    waits.fail(undefined);
    waits.fail(new Error("second"));
    expect(
      await pending.then(
        () => "resolved",
        (error) => [error],
      ),
    ).toEqual([undefined]);
    expect(
      await waits.for(Promise.resolve(1)).then(
        () => "resolved",
        (error) => [error],
      ),
    ).toEqual([undefined]);
    expect(waits.hasFailed).toBe(true);
  });

  test("leave: ends a pending orLeave, not a for", async () => {
    const waits = new InterruptibleWait();
    const pending = waits.orLeave(NEVER);
    waits.leave();
    await expect(pending).resolves.toBe(LEFT);
    let isSettled = false;
    void waits.for(NEVER).finally(() => {
      isSettled = true;
    });
    waits.leave();
    await new Promise(setImmediate);
    expect(isSettled).toBe(false);
  });
});

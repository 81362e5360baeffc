import { describe, expect, test } from "vitest";
import { Wakeup } from "../../src/async/wakeup.js";

describe("Wakeup", () => {
  test("wait: resolves at the next wake, for every waiting caller", async () => {
    const wakeup = new Wakeup();
    const woken: string[] = [];
    wakeup.wait().then(() => woken.push("first"));
    wakeup.wait().then(() => woken.push("second"));
    await Promise.resolve();
    expect(woken).toEqual([]);
    wakeup.wake();
    await Promise.resolve();
    expect(woken).toEqual(["first", "second"]);
  });

  test("wake: has no effect on a later wait", async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    let isWoken = false;
    wakeup.wait().then(() => {
      isWoken = true;
    });
    await Promise.resolve();
    expect(isWoken).toBe(false);
  });

  test("until: checks again after each wake", async () => {
    const wakeup = new Wakeup();
    let looks = 0;
    let value: string | undefined;
    const found = wakeup.until(() => {
      looks++;
      return value;
    });
    wakeup.wake();
    await new Promise(setImmediate);
    expect(looks).toBe(2);
    value = "here";
    wakeup.wake();
    await expect(found).resolves.toBe("here");
    expect(looks).toBe(3);
  });

  test("until: returns a value that is already there without waiting", async () => {
    await expect(new Wakeup().until(() => 0)).resolves.toBe(0);
  });

  test("until: rejects with the error of the function", async () => {
    const error = new Error("ended");
    await expect(
      new Wakeup().until(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  });
});

import { describe, expect, test } from "vitest";
import { createRedactor, userInfoOf, wholeMessage, withoutUserInfo } from "../../src/broker/secrets.js";

describe("createRedactor", () => {
  const { text, error } = createRedactor(["p@ss word", "p@ss", undefined, ""]);

  test("replaces secrets, also encoded ones, the longest first", () => {
    expect(text("x p@ss word p@ss p%40ss%20word")).toBe("x [redacted] [redacted] [redacted]");
    expect(text("nothing")).toBe("nothing");
  });

  test("returns errors without secrets unchanged", () => {
    const original = new Error("refused", { cause: new Error("closed") });
    expect(error(original)).toBe(original);
    expect(error(undefined)).toBeUndefined();
    expect(error("p@ss")).toBe("[redacted]");
  });

  test.each([
    ["the message", new TypeError("bad p@ss")],
    ["a cause", new TypeError("bad", { cause: new Error("p@ss") })],
    ["the stack", Object.assign(new TypeError("bad"), { stack: "at p@ss" })],
  ])("replaces an error with a secret in %s", (_, original) => {
    const redacted = error(original) as Error;
    expect(redacted).not.toBe(original);
    expect(redacted).toMatchObject({ name: "TypeError", message: expect.stringMatching(/^bad/) });
    expect(`${redacted.message}${redacted.stack}${redacted.cause}`).not.toContain("p@ss");
  });

  test("ends for an error that is its own cause", () => {
    const loop = new Error("a");
    loop.cause = loop;
    expect(error(loop)).toBe(loop);
    expect(wholeMessage(loop)).toBe("a");
  });
});

describe("addresses", () => {
  test.each([
    ["nats://u:p@h:4222", "nats://h:4222", ["u:p", "u:p", "p", "p"]],
    ["nats://tok%20en@h", "nats://h", ["tok%20en", "tok en"]],
    ["u:p%@h", "h", ["u:p%", "u:p%", "p%", "p%"]],
    ["h:9092", "h:9092", []],
    ["nats://h/a@b", "nats://h/a@b", []],
  ])("%s: the address without secrets, and the secrets", (address, without, secrets) => {
    expect(withoutUserInfo(address)).toBe(without);
    expect(userInfoOf(address)).toEqual(secrets);
  });
});

test("wholeMessage: adds the messages of causes that say more", () => {
  const error = new Error("a", { cause: new Error("a", { cause: new Error("b") }) });
  expect(wholeMessage(error)).toBe("a: b");
});

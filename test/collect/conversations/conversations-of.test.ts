import { describe, expect, test } from "vitest";
import { conversationsOf } from "../../../src/collect/index.js";
import { flow } from "../../../src/testing/index.js";

const at = (port: number, seconds: number) =>
  flow({ from: `10.0.0.1:${port}`, to: "10.0.0.2:80", time: new Date(1000 * seconds) });

describe("conversationsOf", () => {
  test("yields conversations as they end, and the others at the end of the events", async () => {
    const ended: string[] = [];
    const flows = [at(1, 0), at(2, 10), at(1, 10), at(3, 100)];
    for await (const one of conversationsOf(flows, { idleMs: 50_000 })) {
      ended.push(`${one.initiator.port} ${one.flows.forward} ${one.ended}`);
    }
    expect(ended).toEqual(["2 1 idle", "1 2 idle", "3 1 flushed"]);
  });

  test("yields the conversations before the error of the events", async () => {
    async function* events() {
      yield at(1, 0);
      throw new Error("lost");
    }
    const stage = conversationsOf(events());
    expect((await stage.next()).value).toMatchObject({ initiator: { port: 1 } });
    await expect(stage.next()).rejects.toThrow("lost");
  });

  test("ends the input when the consumer leaves", async () => {
    let isClosed = false;
    async function* events() {
      try {
        for (let port = 1; ; port++) yield at(port, 0);
      } finally {
        isClosed = true;
      }
    }
    for await (const one of conversationsOf(events(), { maxConversations: 1 })) {
      expect(one.ended).toBe("evicted");
      break;
    }
    expect(isClosed).toBe(true);
  });

  test("rejects invalid arguments", () => {
    expect(() => conversationsOf(5 as never)).toThrow("conversationsOf: events must be");
    expect(() => conversationsOf([], { maxConversations: 0, idleMs: 0 })).toThrow(
      "maxConversations: must be an integer from 1 to 16777216, not 0\nidleMs: must be a number above 0, not 0",
    );
  });
});

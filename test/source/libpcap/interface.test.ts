import { expect, test } from "vitest";
import { open } from "../../../src/source/libpcap/open.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { RawSender } from "../../support/traffic/raw-sender.js";
import { describeLive, heldByCaptures, type Live } from "./live.js";

/** A second pair of interfaces between the namespaces, which a test may remove. */
function addInterfaces(
  { pair, namespaces, koffi }: Live,
  name: string,
): { device: string; sender: RawSender } {
  const { sender, receiver } = pair;
  sender.ip("link", "add", `${name}s`, "type", "veth", "peer", "name", name, "netns", receiver.name);
  sender.ip("link", "set", `${name}s`, "up");
  receiver.ip("link", "set", name, "up");
  return { device: name, sender: namespaces.inside(sender, () => RawSender.create(koffi, `${name}s`)) };
}

const MODES = [
  { mode: "in batches", options: { onThisThread: true } },
  { mode: "packet by packet", options: { onThisThread: true, packetByPacket: true, isPolling: true } },
];

describeLive("openLibpcap: an interface", (live) => {
  const TEN = Array.from({ length: 10 }, (_, number) => ipv4Frame({ number }));

  test("that is down is rejected, with a message", async () => {
    const { receiver } = live().pair;
    const { device, sender } = addInterfaces(live(), "down0");
    receiver.ip("link", "set", device, "down");
    await expect(open(device, {}, { onThisThread: true })).rejects.toMatchObject({
      code: "device_down",
      message: expect.stringContaining(`ip link set ${device} up`),
    });
    sender.close();
    receiver.ip("link", "del", device);
    expect(heldByCaptures()).toBe("0 sockets, 0 files");
  });

  test.each(MODES)("that goes down and up again is still captured ($mode)", async ({ options }) => {
    const { receiver } = live().pair;
    const { device, sender } = addInterfaces(live(), "flap0");
    const source = await open(device, {}, options);
    try {
      const iterator = source[Symbol.asyncIterator]();
      for (let round = 0; round < 3; round++) {
        sender.send(TEN);
        for (let read = 0; read < 10; ) read += (await iterator.next()).value?.length ?? 0;
        const pending = iterator.next();
        receiver.ip("link", "set", device, "down");
        await new Promise((resolve) => setTimeout(resolve, 30));
        receiver.ip("link", "set", device, "up");
        sender.send(TEN);
        for (let read = (await pending).value?.length ?? 0; read < 10; )
          read += (await iterator.next()).value?.length ?? 0;
      }
      expect(source.stats()).toEqual({ received: 60, dropped: 0 });
      source.stop();
      expect((await iterator.next()).done).toBe(true);
    } finally {
      await source[Symbol.asyncDispose]();
      sender.close();
      receiver.ip("link", "del", device);
    }
  });

  test.each([
    ...MODES.map((mode) => ({ ...mode, first: [] as string[] })),
    { mode: "down before", options: { onThisThread: true }, first: ["down"] },
  ])("that is removed ends the capture after the packets before ($mode)", async ({ options, first }) => {
    const { receiver } = live().pair;
    const { device, sender } = addInterfaces(live(), "gone0");
    const source = await open(device, {}, options);
    let read = 0;
    const reading = (async () => {
      for await (const batch of source) read += batch.length;
    })();
    const outcome = expect(reading).rejects.toMatchObject({
      name: "FlowscribeError",
      code: "device_gone",
      message: expect.stringContaining(device),
    });
    sender.send(TEN);
    for (const state of first) {
      receiver.ip("link", "set", device, state);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    receiver.ip("link", "del", device);
    await outcome;
    expect(read).toBe(10);
    expect(source.stats()).toEqual({ received: 10, dropped: 0 });
    await source[Symbol.asyncDispose]();
    sender.close();
    expect(heldByCaptures()).toBe("0 sockets, 0 files");
  });

  test("that is removed between two reads fails the next read", async () => {
    const { receiver } = live().pair;
    const { device, sender } = addInterfaces(live(), "gone1");
    const source = await open(device, {}, { onThisThread: true });
    sender.send(TEN);
    receiver.ip("link", "del", device);
    let read = 0;
    const reading = (async () => {
      for await (const batch of source) read += batch.length;
    })();
    await expect(reading).rejects.toMatchObject({ code: "device_gone" });
    expect(read).toBe(10);
    await source[Symbol.asyncDispose]();
    sender.close();
  });
});

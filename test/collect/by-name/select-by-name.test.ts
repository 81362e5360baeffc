import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAddressBook, type SelectByNameOptions, selectByName } from "../../../src/collect/index.js";
import { FilterError, OptionsError } from "../../../src/errors/errors.js";
import { FlowSchema } from "../../../src/gen/flow/flow_pb.js";
import { createAddressSet, createBatch, type PacketBatch } from "../../../src/packet/index.js";
import { ETHERNET, idsOf, packetBytes } from "../../recorder/packets.js";
import { controlledSource, settle } from "../../recorder/sources.js";
import { runs } from "../../support/amount.js";
import { fakeClock } from "../../support/fake-clock.js";

const START_MS = 1_700_000_000_000;

interface Sent {
  readonly id: number;
  /** The last byte of the source 10.0.0.x. */
  readonly from: number;
  readonly atMs: number;
}

function batchOf(sent: readonly Sent[]): PacketBatch {
  return createBatch(
    ETHERNET,
    sent.map(({ id, from, atMs }) => {
      const bytes = packetBytes({ id });
      bytes[29] = from;
      bytes[33] = 200;
      return {
        bytes,
        seconds: Math.floor((START_MS + atMs) / 1000),
        nanoseconds: ((START_MS + atMs) % 1000) * 1e6,
      };
    }),
  );
}

function setUp(options: Partial<SelectByNameOptions> = {}) {
  const clock = fakeClock(START_MS);
  const book = createAddressBook({ clock });
  const source = controlledSource();
  const packets = selectByName(source, { book, selection: { pod: ["shop/cart"] }, clock, ...options });
  const ids: number[] = [];
  const ended = (async () => {
    for await (const batch of packets) ids.push(...idsOf(batch));
  })();
  ended.catch(() => {});
  /** Hubble sees an address with a pod. */
  const announce = (address: number, pod: string, atMs = clock.now() - START_MS) =>
    book.learn(
      create(FlowSchema, {
        time: timestampFromMs(START_MS + atMs),
        IP: { source: `10.0.0.${address}`, destination: "10.9.9.9" },
        source: { namespace: "shop", podName: pod, identity: 1000 + pod.length },
      }),
    );
  let id = 0;
  /** A packet from an address, now. */
  const send = (from: number) => {
    source.push(batchOf([{ id, from, atMs: clock.now() - START_MS }]));
    return id++;
  };
  return { clock, book, source, packets, ids, ended, announce, send };
}

describe("selectByName", () => {
  test("selects the packets of a pod while its addresses come and go", async () => {
    const { clock, ids, announce, send } = setUp();
    announce(1, "cart-1");
    const wanted = [send(1)];
    send(2);
    await settle();
    clock.advance(10);
    announce(2, "cart-2");
    wanted.push(send(1), send(2));
    await settle();
    clock.advance(10);
    announce(1, "web");
    send(1);
    wanted.push(send(2));
    await settle();
    expect(ids).toEqual(wanted);
  });

  test("selects a packet by its time, even if it is read after the address has got another holder", async () => {
    const { clock, source, ids, announce } = setUp();
    announce(1, "cart-1");
    await settle();
    clock.advance(20);
    announce(1, "web", 15);
    source.push(batchOf([{ id: 7, from: 1, atMs: 14 }]), batchOf([{ id: 8, from: 1, atMs: 15 }]));
    await settle();
    expect(ids).toEqual([7]);
  });

  test("selects longer by the skew of the clocks", async () => {
    const { clock, source, ids, announce } = setUp({ skewMs: 5 });
    announce(1, "cart-1");
    await settle();
    clock.advance(20);
    announce(1, "web", 15);
    source.push(batchOf([19, 20].map((atMs, id) => ({ id, from: 1, atMs }))));
    await settle();
    expect(ids).toEqual([0]);
  });

  test("selects packets until another pod takes its address back", async () => {
    const { clock, source, ids, announce } = setUp();
    announce(1, "web");
    clock.advance(10_000);
    announce(1, "cart-1");
    await settle();
    clock.advance(20_000);
    announce(1, "web");
    source.push(
      batchOf([
        { id: 0, from: 1, atMs: 9000 },
        { id: 1, from: 1, atMs: 12_000 },
        { id: 2, from: 1, atMs: 29_000 },
        { id: 3, from: 1, atMs: 30_000 },
      ]),
    );
    await settle();
    expect(ids).toEqual([1, 2]);
  });

  test("fails if the set is full, and lets the book learn", async () => {
    const addresses = createAddressSet();
    for (let index = 0; index < 65_536; index++) addresses.add(`10.1.${index >> 8}.${index & 255}`);
    const { announce, ended } = setUp({ addresses });
    announce(1, "cart-1");
    await expect(ended).rejects.toThrow(RangeError);
  });

  test("keeps a set of addresses equal to the selection", async () => {
    const addresses = createAddressSet();
    const { announce } = setUp({ addresses });
    announce(1, "cart-1");
    announce(2, "cart-2");
    announce(3, "web");
    expect([...addresses]).toEqual(["10.0.0.1", "10.0.0.2"]);
    announce(1, "web");
    expect([...addresses]).toEqual(["10.0.0.2"]);
  });

  test("with beforeMs also yields the packets from before an address became known, each once", async () => {
    const { clock, ids, announce, send } = setUp({ beforeMs: 50 });
    send(1);
    clock.advance(40);
    const wanted = [send(1)];
    send(2);
    clock.advance(40);
    wanted.push(send(1));
    await settle();
    expect(ids).toEqual([]);
    announce(1, "cart-1");
    await settle();
    expect(ids).toEqual(wanted);
    wanted.push(send(1));
    await settle();
    announce(2, "cart-2");
    await settle();
    expect(ids).toEqual([...wanted, 2]);
  });

  test("ends the watch if the source fails", async () => {
    const addresses = createAddressSet();
    const { source, ended, announce } = setUp({ addresses });
    source.fail(new Error("no device"));
    await expect(ended).rejects.toThrow("no device");
    announce(1, "cart-1");
    expect(addresses.size).toBe(0);
  });

  test("ends the watch with the source", async () => {
    const addresses = createAddressSet();
    const { packets, source, ended, announce } = setUp({ addresses });
    source.end();
    await ended;
    announce(1, "cart-1");
    expect(addresses.size).toBe(0);
    await packets[Symbol.asyncDispose]();
  });

  const aStep = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("send" as const), from: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("announce" as const),
        address: fc.integer({ min: 1, max: 4 }),
        pod: fc.constantFrom("cart-1", "cart-2", "web"),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "settle" as const }) },
  );

  test("selects what a program that knows every announcement would", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { maxLength: 40 }), async (steps) => {
        const { clock, ids, announce, send, source, ended } = setUp();
        const holders = new Map<number, string>();
        const expected: number[] = [];
        for (const step of steps) {
          clock.advance(1);
          if (step.kind === "settle") await settle();
          else if (step.kind === "announce") {
            announce(step.address, step.pod);
            holders.set(step.address, step.pod);
          } else {
            const id = send(step.from);
            if (holders.get(step.from)?.startsWith("cart") === true) expected.push(id);
          }
        }
        source.end();
        await ended;
        expect(ids).toEqual(expected);
      }),
      { numRuns: runs(300) },
    );
  });

  test.each([
    { options: { selection: undefined }, error: OptionsError, text: "selection" },
    { options: { selection: { pods: [] } }, error: OptionsError, text: "pods" },
    { options: { selection: { label: ["in ("] } }, error: FilterError, text: "label[0]" },
    { options: { book: {} }, error: OptionsError, text: "book" },
    { options: { beforeMs: 1, addresses: createAddressSet() }, error: OptionsError, text: "beforeMs" },
    { options: { tunnels: true, addresses: createAddressSet() }, error: OptionsError, text: "tunnels" },
    { options: { ringBytes: 1 }, error: OptionsError, text: "ringBytes" },
    { options: { names: 1 }, error: OptionsError, text: "names" },
  ])("rejects invalid options: $text", ({ options, error, text }) => {
    const book = createAddressBook();
    const call = () =>
      selectByName(controlledSource(), { book, selection: { pod: ["a/b"] }, ...options } as never);
    expect(call).toThrow(error);
    expect(call).toThrow(text);
  });
});

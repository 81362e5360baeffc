// Packets of a pod whose addresses change under traffic, between network namespaces, with the events of a fake Observer.
import { describe, expect, test } from "vitest";
import { createAddressBook, selectByName } from "../../../src/collect/index.js";
import { createAddressSet, type PacketSource, packetsOf } from "../../../src/packet/index.js";
import { observe } from "../../../src/rpc/index.js";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { open as openLibpcap } from "../../../src/source/libpcap/open.js";
import { fakeObserver } from "../../../src/testing/index.js";
import { describeWithEbpf } from "../../source/ebpf/kernel-needed.js";
import { describeLive } from "../../source/libpcap/live.js";
import { ipv4Frame, ipv6Frame } from "../../support/traffic/frames.js";

const CHANGES = 200;
const FRAMES = 20;

/** A frame from an address that ends in these two bytes, with a number of its own. */
function frameFrom(family: 4 | 6, address: number, number: number): Uint8Array {
  const frame = family === 4 ? ipv4Frame({ length: 70 }) : ipv6Frame({ length: 90 });
  const view = new DataView(frame.buffer, frame.byteOffset);
  if (family === 4) view.setUint16(14 + 14, address);
  else view.setUint16(14 + 22, address);
  view.setUint32(frame.length - 4, number);
  return frame;
}

function addressText(family: 4 | 6, address: number): string {
  return family === 4 ? `10.77.${address >> 8}.${address & 255}` : `fd00:77::${address.toString(16)}`;
}

/** Until the clock shows another millisecond: times of flows are compared with those of packets. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() <= now + 1) await new Promise((resolve) => setImmediate(resolve));
}

async function numbersIn(source: PacketSource): Promise<number[]> {
  const numbers: number[] = [];
  for await (const batch of source) {
    for (const { bytes } of packetsOf(batch)) {
      numbers.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4));
    }
  }
  return numbers;
}

describeWithEbpf("selectByName", () => {
  describeLive(
    "between namespaces",
    (live) => {
      describe.each([
        { name: "eBPF with a set of addresses", isNarrow: true },
        { name: "libpcap", isNarrow: false },
      ])("by $name", ({ isNarrow }) => {
        test(`selects exactly the packets of a pod whose address changes ${CHANGES} times`, async () => {
          const { pair, sender } = live();
          const observer = fakeObserver();
          const book = createAddressBook({ maxSkewMs: 0 });
          const addresses = createAddressSet();
          const { device } = pair.receiver;
          const source = isNarrow
            ? await openEbpf(device, { addresses, direction: "ingress" })
            : await openLibpcap(device, { direction: "in", precision: "ns" }, { onThisThread: true });
          const selected = selectByName(source, {
            book,
            selection: { pod: ["shop/cart"] },
            ...(isNarrow && { addresses }),
          });
          const abort = new AbortController();
          let learned = 0;
          const learning = (async () => {
            for await (const event of observe(
              observer.transport,
              { follow: true },
              { signal: abort.signal },
            )) {
              book.learn(event);
              learned++;
            }
          })().catch(() => {});
          let announced = 0;
          const announce = async (source: string, podName: string) => {
            await nextMillisecond();
            observer.push({
              time: new Date(),
              IP: { source, destination: "10.99.0.1" },
              source: { namespace: "shop", podName, identity: podName === "cart" ? 1001 : 1002 },
              destination: { identity: 2 },
            });
            announced++;
            while (learned < announced) await new Promise((resolve) => setImmediate(resolve));
            await nextMillisecond();
          };
          const reading = numbersIn(selected);
          const expected: number[] = [];
          let number = 0;
          const sendFrom = (family: 4 | 6, address: number, isWanted: boolean) => {
            const frames: Uint8Array[] = [];
            for (let index = 0; index < FRAMES; index++) {
              if (isWanted) expected.push(number);
              frames.push(frameFrom(family, address, number++));
            }
            sender.send(frames);
          };
          for (let change = 0; change < CHANGES; change++) {
            const family = change % 2 === 0 ? 4 : 6;
            const address = 0x100 + change;
            sendFrom(family, address, false);
            await announce(addressText(family, address), "cart");
            sendFrom(family, address, true);
            sendFrom(family, address + 0x1000, false);
            sendFrom(family, address, true);
            await announce(addressText(family, address), "web");
            sendFrom(family, address, false);
          }
          selected.stop?.();
          expect(await reading).toEqual(expected);
          expect(source.stats().dropped).toBe(0);
          expect(expected.length).toBe(2 * FRAMES * CHANGES);
          abort.abort();
          await learning;
          await selected[Symbol.asyncDispose]();
        });
      });
    },
    { ipv6: true },
  );
});

import { expect, test } from "vitest";
import { compileFlowFilters } from "../../src/filter/index.js";
import { RECORD_HEADER_LENGTH } from "../../src/packet/batch.js";
import { createFlowDecoder } from "../../src/packet/index.js";
import type { Flow } from "../../src/proto.js";
import { openEbpf } from "../../src/source/ebpf/index.js";
import type { FlowSelection } from "../../src/source/flow-selection.js";
import { open as openLibpcap } from "../../src/source/libpcap/open.js";
import { batchOf } from "../packet/flow/frames.js";
import { mixedFrames } from "../support/traffic/mixed.js";
import { describeWithEbpf } from "./ebpf/kernel-needed.js";
import { describeLive, readRecords } from "./libpcap/live.js";

const FRAMES = mixedFrames(3000);
const ETHERNET = 1;
/** Offset of the captured length in the header of a record. */
const CAPTURED_LENGTH = 8;

const CASES: readonly { readonly name: string; readonly flows: FlowSelection }[] = [
  { name: "a port", flows: { allow: [{ destinationPort: ["443"], protocol: ["tcp"] }] } },
  { name: "TCP flags", flows: { allow: [{ tcpFlags: [{ SYN: true }] }] } },
  { name: "an IP version", flows: { allow: [{ ipVersion: [2], protocol: ["udp"] }] } },
  {
    name: "a prefix, without a protocol",
    flows: { allow: [{ sourceIp: ["10.0.0.0/8"] }], deny: [{ protocol: ["udp"] }] },
  },
  { name: "packets in tunnels", flows: { allow: [{ destinationPort: ["53", "80"] }], tunnels: true } },
  { name: "only what is denied", flows: { deny: [{ protocol: ["tcp"] }] } },
  { name: "nothing that comes", flows: { allow: [{ sourcePort: ["9"] }] } },
];

/** Frames as the filters on their flows select them. */
function expectedOf({ tunnels = false, ...lists }: FlowSelection): readonly string[] {
  const passes = compileFlowFilters(lists);
  const decoder = createFlowDecoder({ tunnels });
  return FRAMES.filter((frame) => {
    const [flow] = decoder.decodeEach(batchOf(ETHERNET, frame));
    return passes(flow as Flow);
  }).map(hexOf);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function framesIn(records: Uint8Array): readonly string[] {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const frames: string[] = [];
  for (let at = 0; at < records.length; ) {
    const end = at + RECORD_HEADER_LENGTH + view.getUint32(at + CAPTURED_LENGTH, true);
    frames.push(hexOf(records.subarray(at + RECORD_HEADER_LENGTH, end)));
    at = end;
  }
  return frames;
}

describeLive("openLibpcap: flows", (live) => {
  test.each(CASES)("pass exactly the packets whose flows match: $name", async ({ flows }) => {
    const { pair, sender } = live();
    await using source = await openLibpcap(pair.receiver.device, { flows }, { onThisThread: true });
    // A recording still tests its recorder filters.
    expect(source.filtered).toBe(false);
    sender.send(FRAMES);
    source.stop();
    const { records } = await readRecords(source);
    const expected = expectedOf(flows);
    expect(framesIn(records)).toEqual(expected);
    expect(source.stats()).toEqual({ received: expected.length, dropped: 0 });
  });
});

describeWithEbpf("openEbpf: flows", () => {
  describeLive("over a pair of devices", (live) => {
    test.each(CASES)("pass exactly the packets whose flows match: $name", async ({ flows }) => {
      const { pair, sender } = live();
      await using source = await openEbpf(pair.receiver.device, { flows, direction: "ingress" });
      // A recording still tests its recorder filters.
      expect(source.filtered).toBe(false);
      sender.send(FRAMES);
      source.stop();
      const { records } = await readRecords(source);
      const expected = expectedOf(flows);
      expect(framesIn(records)).toEqual(expected);
      expect(source.stats()).toEqual({ received: expected.length, dropped: 0 });
    });
  });
});

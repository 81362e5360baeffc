import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { BPF_INSTRUCTION_LENGTH, type BpfPredicate, loadBpf } from "../../../src/packet/filter/bpf.js";
import { compilePacketFilter, formatPacketFilter } from "../../../src/packet/index.js";
import { LITTLE_ENDIAN } from "../../../src/source/native/endianness.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { loadLibpcap } from "../../../src/source/native/libpcap.js";
import { PcapHandle } from "../../../src/source/native/pcap-handle.js";
import { anyFilter, anyPacketOf } from "../../packet/arbitrary.js";
import { bytes } from "../../packet/build.js";
import { isWider } from "../../packet/wider.js";
import { amount } from "../../support/amount.js";
import { describeLive } from "./live.js";

const ETHERNET = 1;
const FRAMES = amount({ quick: 1500, long: 8000 });
const FILTERS = amount({ quick: 30, long: 150 });

/** The EtherTypes of tags that the kernel moves from received frames to their metadata. */
const MOVED = ["8100", "88a8"];
const TAGS = [...MOVED, "9100"];
/** Of the addresses, and of a tag. */
const ADDRESSES = 12;
const TAG = 4;

function etherTypeAt(frame: Uint8Array, at: number): string {
  return Buffer.from(frame.subarray(at, at + 2)).toString("hex");
}

/** Frames with up to two tags before what {@link anyPacketOf} makes. */
function anyTaggedFrame(): fc.Arbitrary<Uint8Array> {
  const tags = fc.array(fc.constantFrom(...TAGS), { maxLength: 2, size: "max" });
  return fc.tuple(anyPacketOf(ETHERNET), tags).map(([frame, outer]) => {
    if (frame.length < ADDRESSES) return frame;
    const inserted = outer.map((etherType) => `${etherType}2064`).join("");
    return bytes(frame.slice(0, ADDRESSES), inserted, frame.slice(ADDRESSES));
  });
}

/** The frame as a capture sees it after the kernel has moved its outermost tag to the metadata. */
function withoutTag(frame: Uint8Array): Uint8Array | undefined {
  if (frame.length < ADDRESSES + TAG + 2 || !MOVED.includes(etherTypeAt(frame, ADDRESSES))) return undefined;
  return bytes(frame.slice(0, ADDRESSES), frame.slice(ADDRESSES + TAG));
}

function hasThreeTags(frame: Uint8Array): boolean {
  return [0, 1, 2].every((index) => TAGS.includes(etherTypeAt(frame, ADDRESSES + index * TAG)));
}

/** `BPF_LD | BPF_B | BPF_ABS` and `BPF_LD | BPF_IMM` */
const LOAD_BYTE = 0x30;
const LOAD_CONSTANT = 0x00;
/** `SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT` (linux/filter.h): this byte is 1 if the metadata contains a tag. */
const VLAN_TAG_PRESENT = 0xfffff030;

/** A program for frames whose metadata contains a tag, or does not. */
function loadLive(program: Uint8Array, { hasTag }: { hasTag: boolean }): BpfPredicate {
  const copy = program.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at < copy.length; at += BPF_INSTRUCTION_LENGTH) {
    const isByte = view.getUint16(at, LITTLE_ENDIAN) === LOAD_BYTE;
    if (!isByte || view.getUint32(at + 4, LITTLE_ENDIAN) !== VLAN_TAG_PRESENT) continue;
    view.setUint16(at, LOAD_CONSTANT, LITTLE_ENDIAN);
    view.setUint32(at + 4, hasTag ? 1 : 0, LITTLE_ENDIAN);
  }
  return loadBpf(copy, LITTLE_ENDIAN);
}

describeLive("formatPacketFilter, compiled for a live Ethernet device", (live) => {
  let handle: PcapHandle;

  beforeAll(async () => {
    const koffi = await loadKoffi();
    handle = PcapHandle.create(koffi, loadLibpcap(koffi), live().pair.receiver.device);
    expect(await handle.activate(true)).toBe(0);
    return () => handle.close();
  });

  test.each([
    { name: "with libpcap's optimizer", optimize: true },
    { name: "without it", optimize: false },
  ])("matches what the predicate matches, wherever the kernel stores the VLAN tag: $name", ({ optimize }) => {
    const frames = fc.sample(anyTaggedFrame(), { numRuns: FRAMES, seed: 1 }).map((frame) => ({
      frame,
      moved: withoutTag(frame),
      mayBeWider: isWider({ linkType: ETHERNET, bytes: frame }),
    }));
    const filters = fc.sample(anyFilter(), { numRuns: FILTERS, seed: 2 });
    const narrower: string[] = [];
    const wider: string[] = [];
    let matching = 0;
    for (const include of filters.flatMap((filter, index) => [[filter], filters.slice(index, index + 4)])) {
      const predicate = compilePacketFilter(include);
      const program = handle.compile({ text: formatPacketFilter(include), optimize });
      const [matchesBytes, matchesMoved] = [false, true].map((hasTag) => loadLive(program, { hasTag }));
      for (const { frame, moved, mayBeWider } of frames) {
        const expected = predicate(frame, 0, frame.length, ETHERNET);
        const compare = (tag: string, actual: boolean, isExact: boolean) => {
          if (actual === expected || (actual && !isExact)) return;
          const hex = Buffer.from(frame).toString("hex");
          (actual ? wider : narrower).push(`${JSON.stringify(include)}, tag in the ${tag}: ${hex}`);
        };
        compare("bytes", matchesBytes!(frame, 0, frame.length, frame.length), !mayBeWider);
        if (moved === undefined) continue;
        // The expression enters two tags in the bytes, also after one in the metadata.
        const isExact = !mayBeWider && !hasThreeTags(frame);
        compare("metadata", matchesMoved!(moved, 0, moved.length, frame.length), isExact);
        if (expected) matching++;
      }
    }
    expect({ narrower: narrower.slice(0, 5), wider: wider.slice(0, 5) }).toEqual({ narrower: [], wider: [] });
    expect(matching).toBeGreaterThan(0);
  });
});

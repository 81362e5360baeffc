import { describe, expect, test } from "vitest";
import { Assembler } from "../../../../src/source/ebpf/program/assembler.js";

function textOf(write: (asm: Assembler) => void): string[] {
  const asm = new Assembler();
  write(asm);
  return asm
    .assemble()
    .format()
    .split("\n")
    .map((line) => line.trim());
}

function hexOf(write: (asm: Assembler) => void): string {
  const asm = new Assembler();
  write(asm);
  asm.exit();
  const bytes = asm.assemble().encode({ ring: 7, tables: 9 });
  return Buffer.from(bytes.subarray(0, -8)).toString("hex");
}

describe("Assembler: instructions", () => {
  test.each<{ text: string; hex: string; write: (asm: Assembler) => void }>([
    { text: "r1 = r6", hex: "bf61000000000000", write: (asm) => asm.alu("r1", "=", "r6") },
    { text: "r1 += -4", hex: "07010000fcffffff", write: (asm) => asm.alu("r1", "+=", -4) },
    { text: "w3 = w4", hex: "bc43000000000000", write: (asm) => asm.alu32("r3", "=", "r4") },
    { text: "w3 &= 255", hex: "54030000ff000000", write: (asm) => asm.alu32("r3", "&=", 255) },
    { text: "r2 >>= 40", hex: "7702000028000000", write: (asm) => asm.alu("r2", ">>=", 40) },
    { text: "r2 s>>= r3", hex: "cf32000000000000", write: (asm) => asm.alu("r2", "s>>=", "r3") },
    { text: "r0 = be64 r0", hex: "dc00000040000000", write: (asm) => asm.bigEndian("r0", 64) },
    {
      text: "r1 = *(u16*)(r10 - 36)",
      hex: "69a1dcff00000000",
      write: (asm) => asm.load("r1", 16, { base: "r10", offset: -36 }),
    },
    {
      text: "*(u64*)(r9 + 8) = r1",
      hex: "7b19080000000000",
      write: (asm) => asm.store({ base: "r9", offset: 8 }, 64, "r1"),
    },
    {
      text: "*(u32*)(r10 - 4) = 1",
      hex: "620afcff01000000",
      write: (asm) => asm.store({ base: "r10", offset: -4 }, 32, 1),
    },
    {
      text: "r2 = fetch_add(*(u64*)(r1 + 128), r2)",
      hex: "db21800001000000",
      write: (asm) => asm.fetchAdd({ base: "r1", offset: 128 }, 64, "r2"),
    },
    {
      text: "r1 = xchg(*(u32*)(r3 + 0), r1)",
      hex: "c3130000e1000000",
      write: (asm) => asm.exchange({ base: "r3", offset: 0 }, 32, "r1"),
    },
    { text: "call skb_load_bytes", hex: "850000001a000000", write: (asm) => asm.call("skb_load_bytes") },
    {
      text: "r2 = 0x10000000010",
      hex: "18020000100000000000000000010000",
      write: (asm) => asm.constant64("r2", 2n ** 40n + 16n),
    },
    { text: "r1 = map ring", hex: "18110000070000000000000000000000", write: (asm) => asm.map("r1", "ring") },
    {
      text: "r0 = map tables[0] + 64",
      hex: "18200000090000000000000040000000",
      write: (asm) => asm.mapValue("r0", "tables", 64),
    },
  ])("$text", ({ text, hex, write }) => {
    expect(hexOf(write)).toBe(hex);
    expect(
      textOf((asm) => {
        write(asm);
        asm.exit();
      }),
    ).toEqual([`0: ${text}`, expect.stringMatching(/: exit$/)]);
  });
});

describe("Assembler: labels", () => {
  test("are resolved forwards and backwards, over instructions of double length", () => {
    const text = textOf((asm) => {
      const [start, end] = [asm.label("start"), asm.label("end")];
      asm.place(start);
      asm.jumpIf("r1", "==", 6, end);
      asm.map("r1", "ring");
      asm.jumpIf32("r1", ">", "r2", start);
      asm.place(end);
      asm.exit();
    });
    expect(text).toEqual(["0: if r1 == 6 goto 4", "1: r1 = map ring", "3: if w1 > w2 goto 0", "4: exit"]);
  });

  test("omit instructions that are unreachable", () => {
    const text = textOf((asm) => {
      const end = asm.label("end");
      asm.jump(end);
      asm.alu("r1", "=", 1);
      asm.call("ktime_get_ns");
      asm.place(end);
      asm.exit();
      asm.alu("r2", "=", 2);
    });
    expect(text).toEqual(["0: goto 1", "1: exit"]);
  });

  test.each<{ name: string; error: string; write: (asm: Assembler) => void }>([
    { name: "nowhere", error: "label lost is not placed", write: (asm) => asm.jump(asm.label("lost")) },
    {
      name: "twice",
      error: "label twin is placed twice",
      write: (asm) => {
        const twin = asm.label("twin");
        asm.place(twin);
        asm.place(twin);
      },
    },
    { name: "without an exit", error: "runs off its end", write: (asm) => asm.alu("r0", "=", 0) },
    {
      name: "too far away",
      error: "jump to far too far: 32768",
      write: (asm) => {
        const far = asm.label("far");
        asm.jumpIf("r1", "==", 0, far);
        for (let count = 0; count < 32_768; count++) asm.alu("r0", "=", 0);
        asm.place(far);
        asm.exit();
      },
    },
    {
      name: "after a wide offset",
      error: "does not fit 16 bits",
      write: (asm) => asm.load("r1", 8, { base: "r2", offset: 40_000 }),
    },
    {
      name: "after a wide constant",
      error: "does not fit 32 bits",
      write: (asm) => asm.alu("r1", "=", 2 ** 31),
    },
  ])("placed $name are rejected", ({ error, write }) => {
    expect(() => textOf(write)).toThrow(error);
  });
});

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BPF_INSTRUCTION_LENGTH, loadBpf } from "../../../src/packet/filter/bpf.js";
import {
  estimateCost,
  MAX_EXPRESSION_COST,
  MAX_EXPRESSION_LENGTH,
} from "../../../src/source/libpcap/expression/cost.js";
import { tokenize } from "../../../src/source/libpcap/expression/tokens.js";
import { compileExpression } from "../../../src/source/libpcap/index.js";
import { LITTLE_ENDIAN } from "../../../src/source/native/endianness.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { loadLibpcap } from "../../../src/source/native/libpcap.js";
import { compileTextFor } from "../../../src/source/native/pcap-program.js";
import { repository } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";

const reason = await compileExpression("tcp").then(
  () => undefined,
  (error: Error) => error.message,
);

const list = (count: number, primitive: (index: number) => string, connective = " or ") =>
  Array.from({ length: count }, (_, index) => primitive(index)).join(connective);
const port = (index: number) => `port ${index + 1}`;
const host = (index: number) => `10.0.${index >> 8}.${index & 255}`;

/** Runs in a process of its own, which a stack overflow in C would end; the time limit is far above the usual duration. */
function compileApart(...expressions: readonly string[]): string[] {
  const program = join(repository, "test/source/libpcap/programs/compile.ts");
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", program], {
    cwd: repository,
    input: JSON.stringify(expressions),
    encoding: "utf8",
    timeout: 600_000,
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
}

const REFUSED = [
  { name: "20,000 protocols", text: list(20_000, () => "tcp"), refused: "it has 139996 characters" },
  { name: "9,000 protocols", text: list(9000, () => "tcp"), refused: "instructions, 9500 are the limit" },
  { name: "3,000 ports", text: list(3000, port), refused: "instructions, 9500 are the limit" },
  {
    name: "3,000 ports in a list",
    text: `port (${list(3000, (index) => `${index + 1}`)})`,
    refused: "instructions, 9500",
  },
  {
    name: "400 groups",
    text: list(400, (index) => `(port ${index + 1} or host ${host(index)})`, " and "),
    refused: "instructions, 9500",
  },
  {
    name: "2,000 port ranges",
    text: list(2000, (index) => `portrange ${index + 1}-${index + 9}`),
    refused: "instructions, 9500",
  },
  {
    name: "4,000 VLANs",
    text: list(4000, (index) => `vlan ${index}`, " and "),
    refused: "instructions, 9500",
  },
  {
    name: "4,000 MPLS labels",
    text: list(4000, (index) => `mpls ${index}`, " and "),
    refused: "instructions, 9500",
  },
  {
    name: "3,000 loads in a sum",
    text: `${list(3000, (index) => `ether[${index % 60}:4]`, " + ")} = 5`,
    refused: "instructions, 9500",
  },
  {
    name: "30,000 parentheses",
    text: `${"(".repeat(30_000)}tcp${")".repeat(30_000)}`,
    refused: "nested 30000 levels deep",
  },
  { name: "unclosed parentheses", text: "(".repeat(MAX_EXPRESSION_LENGTH), refused: "levels deep" },
  { name: "10,000 nots", text: `${"not ".repeat(10_000)}tcp`, refused: "nested 10000 levels deep" },
  {
    name: "nested indices",
    text: `${"ether[".repeat(5000)}0${"]".repeat(5000)} = 1`,
    refused: "nested 5000 levels deep",
  },
  {
    name: "a huge number",
    text: `port ${"9".repeat(60_000)}`,
    refused: "a word of 60000 characters, 255 are the limit",
  },
  {
    name: "a huge name",
    text: `host ${"a".repeat(60_000)}`,
    refused: "a word of 60000 characters, 255 are the limit",
  },
  { name: "dashes", text: `a${"-".repeat(60_000)}`, refused: "levels deep" },
  { name: "a 0", text: "tcp\0", refused: 'character 4 is "\\u0000"' },
  { name: "an umlaut", text: "host exämple", refused: 'character 8 is "ä": only ASCII' },
  { name: "half a character", text: "tcp \ud800", refused: "only ASCII" },
];

describeUnless("compileExpression", reason, () => {
  let messages: readonly string[] = [];

  beforeAll(() => {
    messages = compileApart(...REFUSED.map(({ text }) => text));
  });

  test.each(REFUSED.map(({ name, refused }, index) => ({ name, refused, index })))(
    "rejects $name",
    ({ refused, index }) => {
      expect(messages[index]).toContain(refused);
      expect(messages[index]?.length).toBeLessThan(700);
    },
  );

  test("accepts expressions just below its limits, also in a worker", () => {
    const expressions = [
      list(140, port),
      `host ${list(300, host)}`,
      list(300, (index) => `src host ${host(index)}`),
      list(300, (index) => `dst net ${host(index)}/32`),
      list(300, (index) => `tcp port ${index + 1}`),
      list(500, (index) => `tcp dst port ${index + 1}`),
      `udp src port (${list(500, (index) => `${index + 1}`)})`,
      list(50, (index) => `(tcp[${index % 20}] = ${index} or net 10.${index}.0.0/16)`, " and "),
      list(95, (index) => `portrange ${2 * index + 1}-${2 * index + 2}`),
      `${"(tcp or (udp and ".repeat(240)}icmp${"))".repeat(240)}`,
      `${"(".repeat(499)}tcp${")".repeat(499)}`,
      " ".repeat(MAX_EXPRESSION_LENGTH),
    ];
    expect(compileApart(...expressions)).toEqual(expressions.map(() => "compiled"));
  });

  test("selects the same packets without the optimizer", async () => {
    const koffi = await loadKoffi();
    const libpcap = loadLibpcap(koffi);
    const matches = await compileExpression(list(79, port));
    const [optimized, plain] = [true, false].map((optimize) =>
      compileTextFor(koffi, libpcap, 1, 262_144, { text: list(79, port), optimize }),
    );
    expect(plain!.length).toBeGreaterThan(2 * optimized!.length);
    const reference = loadBpf(optimized!, LITTLE_ENDIAN);
    let matched = 0;
    for (let number = 0; number < 200; number++) {
      const record = tcpRecord(number);
      const isMatch = reference(record, 16, record.length, record.length - 16);
      expect(matches(record, 16, record.length, 1)).toBe(isMatch);
      if (isMatch) matched++;
    }
    expect(matched).toBe(79);
  });

  test.each([1, 2, 3, 4])("compiles or rejects random expressions, and never crashes (seed %i)", (seed) => {
    const program = join(repository, "test/source/libpcap/programs/compile-random.ts");
    const args = ["--import", "tsx", program, String(seed), "600", seed % 2 === 0 ? "90" : "20"];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: repository,
      encoding: "utf8",
      timeout: 600_000,
    });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    const { compiled, refused, tooLarge } = JSON.parse(stdout);
    expect(compiled + refused + tooLarge).toBe(600);
    expect(compiled).toBeGreaterThan(100);
  });
});

describeUnless("estimateCost", reason, () => {
  describe.each([1, 101, 105, 113, 127, 192, 276])("for link type %i", (linkType) => {
    test.each([
      ...[
        "port 80",
        "portrange 80-90",
        "src and dst port 5",
        "host 10.0.0.1",
        "net 10.0.0.0/8",
        "host 2001:db8::1",
      ],
      ...[
        "src host 10.0.0.1",
        "ip host 10.0.0.1",
        "arp src host 10.0.0.1",
        "dst net 10.0.0.0/8",
        "ip net 10.0.0.0/8",
      ],
      ...["src host 2001:db8::1", "ip6 host 2001:db8::1", "ip6 dst net 2001:db8::/32"],
      ...["src or dst port 5", "dst port 5", "tcp port 5", "udp src port 5", "sctp src and dst port 5"],
      ...["src portrange 5-9", "tcp portrange 5-9", "udp dst portrange 5-9"],
      ...["tcp port (5 or 6 or 7)", "tcp and port 5", "(tcp src port 5) and port 6", "ip and host 10.0.0.1"],
      ...[
        "tcp dst port 5 or 6 or port 7",
        "tcp src port 5 and host 10.0.0.1 or 10.0.0.2",
        "not ip or src host 10.0.0.1",
      ],
      ...[
        "ether host 02:00:00:00:00:01",
        "tcp",
        "icmp6",
        "l1",
        "snp",
        "iih",
        "ip6 protochain 6",
        "proto 6",
        "vlan 5",
      ],
      ...["tcp[0] = 5", "tcp[tcp[0]] = 5", "ip6[6:2] & 7 < 9", "less 5", "len = 5", "mpls 5", "pppoes 5"],
    ])("is not far below the size that libpcap generates: %s", async (primitive) => {
      const koffi = await loadKoffi();
      const libpcap = loadLibpcap(koffi);
      const text = list(10, () => primitive);
      let instructions: number;
      try {
        const program = compileTextFor(koffi, libpcap, linkType, 262_144, { text, optimize: false });
        instructions = program.length / BPF_INSTRUCTION_LENGTH;
      } catch {
        // Not for this link type.
        return;
      }
      const estimate = estimateCost(tokenize(text), linkType).instructions;
      expect(estimate).toBeGreaterThan(0.7 * instructions);
      expect(estimate).toBeLessThan(MAX_EXPRESSION_COST);
    });
  });
});

/** A TCP packet to port `number` over IPv4 and Ethernet, as a record. */
function tcpRecord(number: number): Uint8Array {
  const record = new Uint8Array(16 + 14 + 40);
  new DataView(record.buffer).setUint32(12, 54, true);
  record.set(
    [8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0xff, 0xff, 0, number],
    16 + 12,
  );
  return record;
}

import { describe, expect, test } from "vitest";
import { FilterError } from "../../../../src/errors/errors.js";
import { describeProgram } from "../../../../src/source/ebpf/index.js";
import { amount } from "../../../support/amount.js";

const ANY = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };
/** As many filters as a program accepts, or enough that their instructions exceed the 16 bits of a jump. */
const LONGEST = amount({ quick: 8_192, long: 32_768 });

describe("describeProgram", () => {
  test("describes every filter as compared or omitted, and why", () => {
    const text = describeProgram([
      { ...ANY, sourceCidr: "10.0.0.0/8", protocol: 6, destinationPort: 443 },
      { ...ANY, sourceCidr: "10.1.0.0/16", protocol: 6, destinationPort: 443 },
      { ...ANY, sourceCidr: "10.0.0.0/8", protocol: 6, destinationPort: 443 },
      { ...ANY, protocol: 1, destinationPort: 80 },
    ]);
    const lines = text.split("\n");
    expect(lines[0]).toMatch(/^4 filters, \d+ instructions, no tables$/);
    expect(lines.slice(1, 3)).toEqual([
      "IPv4: 1 filter, compared one after the other; protocol and ports are read",
      "IPv6: no filter: never matches",
    ]);
    expect(lines.slice(4, 8)).toEqual([
      "include[0] 10.0.0.0/8 port any → 0.0.0.0/0 port 443, protocol 6: compared",
      "include[1] 10.1.0.0/16 port any → 0.0.0.0/0 port 443, protocol 6: omitted: include[0] matches everything that it matches",
      "include[2] 10.0.0.0/8 port any → 0.0.0.0/0 port 443, protocol 6: omitted: include[0] matches everything that it matches",
      "include[3] 0.0.0.0/0 port any → 0.0.0.0/0 port 80, protocol 1: omitted: a port of a protocol without ports never matches",
    ]);
    expect(text).toContain("call skb_load_bytes");
    expect(text.trimEnd().endsWith("exit")).toBe(true);
  });

  test("describes TCP flags of flows", () => {
    const flows = { allow: [{ tcpFlags: [{ SYN: true, NS: true }], ipVersion: [1] }] };
    const lines = describeProgram(undefined, { flows }).split("\n");
    expect(lines[1]).toMatch(/the protocol is read, and TCP flags$/);
    expect(lines).toContain(
      "include[6] 0.0.0.0/0 port any → 0.0.0.0/0 port any, protocol 6, TCP flags SYN and NS: compared",
    );
  });

  test("describes tables and groups", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        ...ANY,
        sourceCidr: `10.${index >> 8}.${index & 255}.0/24`,
      }));
    expect(describeProgram(many(100))).toContain(
      "IPv4: 100 filters in one group of tables: each field is looked up once; neither protocol nor ports are read",
    );
    expect(describeProgram(many(5000))).toContain("IPv4: 5000 filters in 2 groups of tables");
    expect(describeProgram([...many(3), ANY])).toContain(
      "IPv4: a filter matches everything: nothing is compared",
    );
  });

  test("describes devices without link headers, and the other direction", () => {
    expect(describeProgram([ANY], { layer: 3 })).not.toContain("goto 88a8");
    expect(describeProgram([ANY], { direction: "egress" })).not.toContain("(r6 + 152)");
    expect(describeProgram([ANY])).toContain("(r6 + 152)");
  });

  test("rejects invalid filters, and too many", () => {
    expect(() => describeProgram([{ sourceCidr: "nonsense", destinationCidr: "::/0" }])).toThrow(FilterError);
    expect(() => describeProgram(Array(40_000).fill(ANY))).toThrow(
      "40000 filters exceed the limit of the kernel program: 32768",
    );
  });

  test(`accepts ${LONGEST} filters, with jumps in range`, () => {
    const filters = Array.from({ length: LONGEST }, (_, index) =>
      index % 2 === 0
        ? { ...ANY, sourceCidr: `10.${index >> 8}.${index & 255}.0/24`, sourcePort: 1 + index }
        : {
            sourceCidr: `2001:db8:${index.toString(16)}::1/128`,
            destinationCidr: `2001:db8::${index.toString(16)}/128`,
            destinationPort: index,
          },
    );
    expect(describeProgram(filters)).toMatch(new RegExp(`^${LONGEST} filters, \\d+ instructions`));
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { createBatch, fromBatches } from "../../../src/packet/index.js";
import { encodePcap } from "../../../src/pcap/index.js";
import { blockWriter, DECRYPTION_SECRETS, join as joinBytes } from "../../pcap/blocks.js";
import { collect } from "../../pcap/read.js";
import { packetBytes } from "../../recorder/packets.js";
import { runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-warnings-"));
afterAll(() => rmSync(folder, { recursive: true }));

let outputs = 0;
const newOutput = (extension: string) => join(folder, `out${outputs++}.${extension}`);

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const LINKTYPE_USER0 = 147;
const CUSTOM_NO_COPY = 0x4000_0bad;
const writer = blockWriter();
const frame = packetBytes({ id: 1 });

async function pcapOf(linkType: number, packets: number): Promise<Uint8Array> {
  const format = { linkType, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
  const inits = Array.from({ length: packets }, () => ({ bytes: frame }));
  return collect(encodePcap(fromBatches([createBatch(format, inits)], format)));
}

/** Two packets of a supported link type and three of another. */
const MIXED = joinBytes(
  writer.section(),
  writer.interface(),
  writer.interface({ linkType: LINKTYPE_USER0 }),
  writer.enhanced({ data: frame }),
  ...[1, 1, 1].map((interfaceId) => writer.enhanced({ interfaceId, data: frame })),
  writer.enhanced({ data: frame }),
);

describe("flowscribe: warnings about packets of an unsupported link type", () => {
  const warning = (path: string, packets: string) =>
    `${path}: ${packets} of LINKTYPE_USER0 (147) cannot be decoded: the link type is not supported\n`;

  test.each([
    { name: "all packets", bytes: () => pcapOf(LINKTYPE_USER0, 12), packets: "12 packets" },
    { name: "one packet", bytes: () => pcapOf(LINKTYPE_USER0, 1), packets: "1 packet" },
    { name: "some packets", bytes: async () => MIXED, packets: "3 packets" },
  ])(
    "observe: one warning with link type and count, and exit code 3 with --strict-input: $name",
    async ({ name, bytes, packets }) => {
      const path = file(`observe ${name}`, await bytes());
      const lenient = await runFake(["observe", path]);
      expect({ code: lenient.code, err: lenient.err }).toEqual({
        code: EXIT.ok,
        err: warning(path, packets),
      });
      const strict = await runFake(["observe", "--strict-input", "--port", "9", path]);
      expect(strict).toMatchObject({ code: EXIT.incomplete, out: "", err: warning(path, packets) });
      const silent = await runFake(["observe", "-s", "--strict-input", path]);
      expect({ code: silent.code, err: silent.err }).toEqual({ code: EXIT.incomplete, err: "" });
    },
  );

  test("observe: prints a warning for each input that contains some", async () => {
    const some = file("some", await pcapOf(LINKTYPE_USER0, 2));
    const supported = file("none", await pcapOf(1, 2));
    const { err } = await runFake(["observe", some, supported, some]);
    expect(err).toBe(warning(some, "2 packets").repeat(2));
  });

  test.each([
    { name: "by addresses", filter: ["0.0.0.0/0 0 0.0.0.0/0 0 ANY"] },
    { name: "by flows", filter: ["--protocol", "udp"] },
    { name: "by flows, with replies guessed", filter: ["--protocol", "udp", "--guess-replies"] },
  ])("record: prints a warning for each input in a filtered recording: $name", async ({ filter }) => {
    const mixed = file("mixed.pcapng", MIXED);
    const all = file("all.pcap", await pcapOf(LINKTYPE_USER0, 5));
    const args = ["record", "-r", mixed, "-r", all, "-w"];
    const lenient = await runFake([...args, newOutput("pcapng"), ...filter]);
    const err = warning(mixed, "3 packets") + warning(all, "5 packets");
    expect({ code: lenient.code, err: lenient.err }).toEqual({ code: EXIT.ok, err });
    expect(lenient.out).toContain("2 packets (");
    const strict = await runFake([...args, newOutput("pcapng"), "--strict-input", ...filter]);
    expect({ code: strict.code, err: strict.err }).toEqual({ code: EXIT.incomplete, err });
  });

  test("record: records all packets without a filter, without a warning", async () => {
    const path = file("whole.pcap", await pcapOf(LINKTYPE_USER0, 5));
    const result = await runFake(["record", "-r", path, "-w", newOutput("pcap"), "--strict-input"]);
    expect({ code: result.code, err: result.err }).toEqual({ code: EXIT.ok, err: "" });
    expect(result.out).toContain("5 packets (");
  });
});

describe("flowscribe: warnings about parts of pcapng that are not copied", () => {
  const path = file(
    "rich.pcapng",
    joinBytes(
      writer.section({
        options: [
          [2, "x86"],
          [3, "Linux"],
          [4, "dumpcap"],
        ],
      }),
      writer.interface({ options: [[13, 4]] }),
      writer.block(DECRYPTION_SECRETS, new Uint8Array(16)),
      writer.block(CUSTOM_NO_COPY, new Uint8Array(8)),
      writer.enhanced({
        data: frame,
        options: [
          [2, Uint8Array.of(1, 0, 0, 0)],
          [1, "kept"],
        ],
      }),
      writer.enhanced({ data: frame, options: [[2, Uint8Array.of(2, 0, 0, 0)]] }),
      writer.section({ options: [[1, "lost"]] }),
    ),
  );

  test("record: prints a line for each kind and each input when it writes pcapng", async () => {
    const { code, err } = await runFake([
      "record",
      "-r",
      path,
      "-r",
      path,
      "-w",
      newOutput("pcapng"),
      "--strict-input",
    ]);
    const lines = [
      "1 custom block is",
      "1 option of a section header (comment, hardware, operating system) is",
    ].map((what) => `${path}: ${what} not copied\n`);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: lines.join("").repeat(2) });
  });

  test("record: reports what pcap cannot represent when it writes pcap", async () => {
    const { code, err } = await runFake(["record", "-r", path, "-w", newOutput("pcap")]);
    const onlyPcapng = (what: string, several: string) =>
      `${what} not copied: pcap files cannot store ${several}; set --format pcapng to keep them`;
    const sectionOptions = "options of section headers (comment, hardware, operating system)";
    const interfaceOptions = "options of interfaces (address, speed, time zone, …)";
    const lines = [
      "1 custom block is not copied",
      "1 option of a section header (comment, hardware, operating system) is not copied",
      onlyPcapng("1 decryption secrets block is", "decryption secrets blocks"),
      onlyPcapng(`2 ${sectionOptions} are`, sectionOptions),
      onlyPcapng("1 option of an interface (address, speed, time zone, …) is", interfaceOptions),
      onlyPcapng("2 packet directions (epb_flags) are", "packet directions (epb_flags)"),
      onlyPcapng("1 comment is", "comments"),
    ].map((what) => `${path}: ${what}\n`);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: lines.join("") });
  });

  test("record: reports that interface names are not copied to pcap", async () => {
    const named = file(
      "named.pcapng",
      joinBytes(
        writer.section(),
        writer.interface({ options: [[2, "eth0"]] }),
        writer.enhanced({ data: frame }),
      ),
    );
    const toPcap = await runFake(["record", "-r", named, "-w", newOutput("pcap")]);
    expect(toPcap.err).toBe(
      `${named}: 1 interface name is not copied: pcap files cannot store interface names; set --format pcapng to keep them\n`,
    );
    expect((await runFake(["record", "-r", named, "-w", newOutput("pcapng")])).err).toBe("");
  });

  test("record: prints no line with --silent-errors", async () => {
    const { code, err } = await runFake(["record", "-r", path, "-w", newOutput("pcapng"), "-s"]);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
  });

  test("observe: prints no line, as it copies nothing", async () => {
    expect((await runFake(["observe", path])).err).toBe("");
  });
});

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeExport, MAX_LINE_BYTES } from "../../../src/observer/index.js";

const event = (uuid: string) => `{"flow":{"uuid":"${uuid}"}}`;
const json = JSON.stringify;
const indented = (...lines: string[]) => lines.map((line) => json(JSON.parse(line), null, 2)).join("\n");
const TIME = "2024-01-01T00:00:00.000000000Z";
const [A, B, C] = ["a", "b", "c"].map(event) as [string, string, string];

/** The results in order: uuids of flows, and bad lines. */
async function outcome(
  input: Parameters<typeof decodeExport>[0],
  options: { readonly maxLineBytes?: number } = {},
): Promise<string[]> {
  const outcomes: string[] = [];
  const onBadLine = ({ message }: Error) => outcomes.push(message);
  for await (const { responseTypes } of decodeExport(input, { ...options, onBadLine })) {
    outcomes.push(responseTypes.case === "flow" ? responseTypes.value.uuid : String(responseTypes.case));
  }
  return outcomes.sort();
}

describe("decodeExport: events in an envelope", () => {
  test.each([
    { name: "CRI log lines", text: `${TIME} stdout F ${A}\n2024-01-01T00:00:00+02:00 stderr F ${B}` },
    {
      name: "docker's json-file lines",
      text: [A, B].map((line) => json({ log: `${line}\n`, stream: "stdout", time: TIME })).join("\n"),
    },
    { name: "kubectl logs --timestamps", text: `${TIME} ${A}\n${TIME} ${B}` },
    {
      name: "kubectl logs --prefix",
      text: `[pod/cilium-1/agent] ${A}\n[pod/cilium-1/agent] ${TIME} ${B}`,
    },
    { name: "docker compose logs", text: `cilium-1  | ${A}\ncilium-1  | ${B}` },
    {
      name: "syslog lines",
      text: `<14>1 ${TIME} host cilium 1 - - ${A}\nJan  1 00:00:00 host cilium[1]: ${B}`,
    },
    { name: "logrus lines", text: `INFO[0000] ${A}\ntime="${TIME}" level=info msg=${json(B)} subsys=hubble` },
    {
      name: "records of Google Cloud Logging",
      text: `{"insertId":"1","jsonPayload":${A},"resource":{}}\n{"textPayload":${json(B)},"resource":{}}`,
    },
    {
      name: "records of Fluent Bit",
      text: `{"date":1,"stream":"stdout","_p":"F","log":${json(A)}}\n{"log":${B},"kubernetes":{}}`,
    },
    {
      name: "records of Vector",
      text: [A, B].map((message) => json({ message, file: "/x", source_type: "file" })).join("\n"),
    },
    {
      name: "records of journald",
      text: [A, B].map((MESSAGE) => json({ MESSAGE, PRIORITY: "6" })).join("\n"),
    },
    {
      name: "records of Loki",
      text: [A, B].map((line) => json({ labels: {}, line, timestamp: TIME })).join("\n"),
    },
    { name: "responses of grpc-gateway", text: `{"result":${A}}\n{"result":${B}}` },
    { name: "events of a list in an object", text: `{"flows":[${A},{"uuid":"b"}]}` },
    { name: "events of a list on one line", text: `[${A}, ${B}]` },
    { name: "a list with a line per event", text: `[\n${A},\n${B}\n]\n` },
    { name: "a list with brackets on event lines", text: `[${A},\n${B}]` },
    {
      name: "a list with several lines per event",
      text: json(
        [A, B].map((line) => JSON.parse(line)),
        null,
        2,
      ),
    },
    { name: "events that span several lines", text: indented(A, B) },
    { name: "a list in an object, a line per event", text: `{"flows":[\n${A},\n${B}\n]}` },
    { name: "events without line feeds between them", text: `${A}${B}` },
    { name: "events followed by commas", text: `${A},\n${B},\n` },
    {
      name: "twice",
      text: `${TIME} stdout F ${json({ jsonPayload: { message: A } })}\n${json({ message: `${TIME} ${B}` })}`,
    },
  ])("reads $name", async ({ text }) => {
    expect(await outcome(`${text}\n${C}\n`)).toEqual(["a", "b", "c"]);
    expect(await outcome(gzipSync(`${C}\n${text}`))).toEqual(["a", "b", "c"]);
    const bytes = new TextEncoder().encode(`${text}\r\n${C}`);
    expect(await outcome(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(["a", "b", "c"]);
  });

  test("preserves 64-bit integers and unknown fields", async () => {
    const line = '{"flow":{"socket_cookie":18446744073709551615,"future":1.0}}';
    for (const text of [
      `{"result":${line}}`,
      `${TIME} stdout F ${line}`,
      json({ message: line }),
      `[${line}]`,
    ]) {
      for await (const { responseTypes } of decodeExport(text)) {
        expect(responseTypes.value).toMatchObject({ socketCookie: 2n ** 64n - 1n });
      }
    }
  });
});

describe("decodeExport: lines that a container runtime split", () => {
  const cri = (stream: string, tag: string, text: string) => `${TIME} ${stream} ${tag} ${text}`;
  const docker = (stream: string, log: string) => json({ log, stream, time: TIME });

  test("are joined wherever they are split, with lines of the other stream between the parts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(A.length), { maxLength: 4 }), async (positions) => {
        const cuts = [0, ...positions.sort((a, b) => a - b), A.length];
        const parts = cuts.slice(1).map((end, index) => A.slice(cuts[index], end));
        const criLines = parts.flatMap((part, index) => [
          cri("stdout", index === parts.length - 1 ? "F" : "P", part),
          cri("stderr", "F", B),
        ]);
        expect(new Set(await outcome(criLines.join("\n")))).toEqual(new Set(["a", "b"]));
      }),
    );
    for (let cut = 1; cut < A.length; cut++) {
      const lines = [
        docker("stdout", A.slice(0, cut)),
        docker("stderr", `${B}\n`),
        docker("stdout", `${A.slice(cut)}\n`),
      ];
      expect(await outcome(lines.join("\n"))).toEqual(["a", "b"]);
    }
  });

  test.each([
    { name: "CRI", wrap: (text: string) => cri("stderr", "F", text) },
    { name: "docker", wrap: (text: string) => docker("stderr", `${text}\n`) },
  ])("skips messages of a container on stderr, and reports damaged events: $name", async ({ wrap }) => {
    const messages = ["level=info msg=started", '{"level":"info","msg":"started"}', "panic: x", "[1]"];
    expect(await outcome([...messages.map(wrap), wrap(B)].join("\n"))).toEqual(["b"]);
    expect(await outcome([wrap('{"flow":{"uuid":'), wrap(B)].join("\n"))).toEqual([
      "b",
      expect.stringMatching(/^line 1: .*not JSON/),
    ]);
    const onStdout = [cri("stdout", "F", "started"), docker("stdout", "started\n")];
    expect(await outcome(onStdout.join("\n"))).toHaveLength(2);
  });

  test("a line whose rest is missing is reported once, and the next is read", async () => {
    for (const lines of [
      [cri("stdout", "P", '{"flow":{"uu'), cri("stdout", "F", B)],
      [docker("stdout", '{"flow":{"uu'), docker("stdout", `${B}\n`)],
      [cri("stdout", "P", '{"flow":{"uu'), B],
    ]) {
      expect(await outcome(lines.join("\n"))).toEqual(["b", expect.stringMatching(/^line 1: not JSON: /)]);
    }
  });

  test("are joined up to maxLineBytes", async () => {
    const long = cri("stdout", "P", "x".repeat(100));
    const lines = [
      cri("stdout", "P", '{"flow":{"uuid":"'),
      ...Array(20).fill(long),
      cri("stdout", "F", '"}}'),
      B,
    ];
    expect(await outcome(lines.join("\n"), { maxLineBytes: 1000 })).toEqual([
      "b",
      "line 22: CRI log line: longer than 1000 characters",
    ]);
  });
});

describe("decodeExport: objects that only resemble an envelope", () => {
  test.each([
    { name: "a truncated list with commas", text: `[\n${A},\n${B},\n`, bad: 1 },
    { name: "an object with a truncated list", text: `{"flows":[\n${A},\n  ${B},\n`, bad: 1 },
    { name: "a brace", text: `{\n${A}\n${B}`, bad: 1 },
    { name: "a bracket", text: `[\n${A}\n${B}`, bad: 1 },
    {
      name: "a line truncated at a list's start",
      text: `{"flow":{"node_labels":[\n${A}\n${B}`,
      bad: 1,
    },
    { name: "a line truncated after a comma", text: `{"flow":{"uuid":"x",\n${A}\n${B}`, bad: 1 },
    { name: "a line truncated in a string", text: `{"flow":{"uuid":"x\n${A}\n${B}`, bad: 1 },
    {
      name: "a document with damage in the middle",
      text: `${indented(C).replace("}", "")}\n${A}\n${B}`,
      bad: 1,
    },
    { name: "an incomplete document", text: `${A}\n${B}\n{\n"flow": {`, bad: 1 },
    { name: "an element that is not an event", text: `[${A},{"x":1},2,${B}]`, bad: 1 },
    {
      name: "a record whose message is not an event",
      text: `{"message":"started","file":"/x"}\n${A}\n${B}`,
      bad: 1,
    },
    { name: "an event followed by other characters", text: `${C}x\n${A}\n${B}`, bad: 1 },
  ])("reports $name and continues with the next event", async ({ text, bad }) => {
    const outcomes = await outcome(text);
    expect(outcomes.filter((line) => line.length === 1)).toEqual(["a", "b"]);
    expect(outcomes).toHaveLength(2 + bad);
  });

  test("does not mistake a log record for a flow with a file", async () => {
    expect(await outcome('{"message":"started","file":"/x"}')).toEqual([
      expect.stringMatching(/^line 1: log record's "message": not JSON: /),
    ]);
  });
});

describe("decodeExport: events that are nested too deeply", () => {
  test.each([
    { name: "lists", text: `[[[[[${A}]]]]]` },
    { name: "lists after a CRI prefix", text: `${TIME} stdout F [[[[${A}]]]]` },
    { name: "log records", text: `${'{"log":'.repeat(5)}${A}${"}".repeat(5)}` },
    { name: "messages in a list", text: `[[[[{"message":${json(A)}}]]]]` },
  ])("reports $name", async ({ text }) => {
    expect(await outcome(`${text}\n${B}`)).toEqual([
      "b",
      expect.stringMatching(/^line 1: .*nested too deeply/),
    ]);
  });

  test("reads an event at the maximum depth", async () => {
    expect(await outcome(`[[[[${A}]]]]`)).toEqual(["a"]);
  });
});

describe("decodeExport: several members that may contain an event", () => {
  test.each([
    { name: "an empty string", text: json({ log: "", message: A }), wanted: ["a"] },
    { name: "an empty list", text: json({ flows: [], log: A }), wanted: ["a"] },
    {
      name: "an empty docker line",
      text: json({ log: "\n", stream: "stdout", message: A }),
      wanted: ["a"],
    },
    { name: "an empty list in a list", text: json({ flows: [[]], log: A }), wanted: ["a"] },
    { name: "an empty string beside a bare flow", text: '{"log":"","uuid":"a"}', wanted: ["a"] },
    { name: "the same event twice", text: json({ log: A, log_processed: JSON.parse(A) }), wanted: ["a"] },
    {
      name: "a string without an event",
      text: json({ log: "started", message: A }),
      wanted: ["a", expect.stringMatching(/^line 1: log record's "log": not JSON/)],
    },
    { name: "only an empty list", text: '{"flows":[]}', wanted: [] },
    { name: "only an empty string", text: '{"log":""}', wanted: [] },
    {
      name: "an empty list beside an invalid member",
      text: '{"flows":[],"log":"started"}',
      wanted: [expect.stringMatching(/^line 1: log record's "log": not JSON/)],
    },
  ])("tries every member: $name", async ({ text, wanted }) => {
    expect(await outcome(text)).toEqual(wanted);
  });
});

describe("decodeExport: does not assemble an event around a line that cannot be decoded", () => {
  const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  const faults = [
    { fault: "not UTF-8", insert: "\xff", says: "not valid UTF-8" },
    { fault: "too long", insert: "x".repeat(500), says: "longer than 400 bytes" },
    { fault: "a hole", insert: "\0\0\0", says: "a hole of NUL bytes" },
  ];
  const flow = (uuid: string, summary: string) =>
    json({ flow: { uuid, Summary: summary, future: [{ uuid: "x" }] } }, null, 2)
      .replaceAll("\\u0000", "\0")
      .replaceAll("\\u00ff", "\xff");
  const cri = (tag: string, text: string, stream = "stdout") => `${TIME} ${stream} ${tag} ${text}`;

  describe.each(faults)("$fault", ({ insert, says }) => {
    test.each([
      {
        name: "an unindented document",
        text: `{\n"flow":{\n"uuid":"x",\n"Summary":"${insert}",\n"destination":{"identity":1}\n}}`,
        line: 4,
      },
      { name: "an indented document", text: flow("x", insert), line: 4 },
      {
        name: "an element of a list",
        text: `[\n${flow("x", insert)},\n${flow("c", "")}\n]`,
        line: 5,
        more: ["c"],
      },
      {
        name: "a list in an object",
        text: `{"flows":[\n${C},\n"${insert}",\n${event("d")}\n]}`,
        line: 3,
        more: ["c", "d"],
      },
      {
        name: "partial CRI lines",
        text: [cri("P", '{"flow":{"uuid":"x'), cri("P", insert), cri("F", 'y"}}')].join("\n"),
        line: 2,
      },
      {
        name: "partial docker lines",
        text: ['{"flow":{"uuid":"x', insert, 'y"}}\n']
          .map((log) => `{"log":${json(log).replaceAll("\\u0000", "\0")},"stream":"stdout"}`)
          .join("\n"),
        line: 2,
      },
    ])("in $name", async ({ text, line, more = [] }) => {
      const outcomes = await outcome(latin1(`${A}\n${text}\n${B}`), { maxLineBytes: 400 });
      expect(outcomes).toEqual(["a", "b", ...more, expect.stringContaining(`line ${line + 1}: ${says}`)]);
    });
  });

  test("the lost line may be the last of a document, or of a split line", async () => {
    for (const text of [
      `${flow("x", "").replace(/\}$/, "\xff")}\n${flow("b", "")}`,
      [cri("P", '{"flow":{"uuid":"x'), "\xff", cri("P", B.slice(0, 5)), cri("F", B.slice(5))].join("\n"),
      [cri("P", '{"flow":{"uuid":"x'), "\xff", B].join("\n"),
    ]) {
      const outcomes = await outcome(latin1(`${A}\n${text}\n${C}`));
      expect(outcomes.filter((line) => line.length === 1)).toEqual(["a", "b", "c"]);
      expect(outcomes.some((line) => line.includes("not valid UTF-8"))).toBe(true);
    }
  });

  test("for any lost line of a document, the event is read unchanged or not at all", async () => {
    const document = flow("x", "s");
    const lines = document.split("\n");
    for (let lost = 0; lost < lines.length; lost++) {
      const text = lines.map((line, index) => (index === lost ? "\xff" : line)).join("\n");
      const outcomes = await outcome(latin1(`${A}\n${text}\n${flow("b", "")}\n${C}`));
      expect(outcomes.filter((line) => line.length === 1)).toEqual(["a", "b", "c"]);
    }
  });
});

describe("decodeExport: holes of NUL bytes, as left by copytruncate", () => {
  const hole = "\0".repeat(3 * MAX_LINE_BYTES);
  test.each([
    { name: "at the beginning", text: `${hole}${A}\n${B}` },
    { name: "between lines", text: `${A}\n${hole}${B}\n` },
    { name: "at the end", text: `${A}\n${B}\n${hole}` },
    { name: "after a line without a line feed", text: `${A}${hole}${B}` },
    { name: "around empty lines", text: `${A}\n\0\n\0\0\n${B}` },
  ])("are skipped $name", async ({ text }) => {
    const bytes = new TextEncoder().encode(text);
    for (const size of [bytes.length, 64 * 1024, 1_000_003]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      expect(await outcome(chunks)).toEqual(["a", "b"]);
    }
  });

  test("a line truncated by another is a bad line", async () => {
    expect(await outcome(`{"flow":{"uu${hole}${A}\n${B}`)).toEqual([
      "a",
      "b",
      expect.stringMatching(/^line 1: not JSON: /),
    ]);
  });
});

describe("decodeExport: files of other kinds", () => {
  test.each([
    {
      name: "zstd",
      bytes: [0x28, 0xb5, 0x2f, 0xfd, 4, 0],
      says: "zstd-compressed data; decompress it first: zstd -dc",
    },
    {
      name: "lz4",
      bytes: [0x04, 0x22, 0x4d, 0x18, 0x64],
      says: "lz4-compressed data; decompress it first: lz4 -dc",
    },
    {
      name: "xz",
      bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
      says: "xz-compressed data; decompress it first: xz -dc",
    },
    {
      name: "bzip2",
      bytes: [...Buffer.from("BZh91AY&SY")],
      says: "bzip2-compressed data; decompress it first: bzip2 -dc",
    },
    { name: "pcap", bytes: [0xd4, 0xc3, 0xb2, 0xa1, 2, 0], says: "a packet capture" },
    { name: "pcapng", bytes: [0x0a, 0x0d, 0x0d, 0x0a, 28, 0], says: "a packet capture" },
    { name: "ELF", bytes: [0x7f, 0x45, 0x4c, 0x46, 2], says: "an ELF program" },
    {
      name: "UTF-16",
      bytes: [...Buffer.from(`\ufeff${A}`, "utf16le")],
      says: "UTF-16 text; convert it to UTF-8 first: iconv -t UTF-8",
    },
  ])("reports $name once", async ({ bytes, says }) => {
    const wanted = { code: "malformed_export", message: `not export lines but ${says}`, line: undefined };
    for (const input of [
      Uint8Array.from(bytes),
      gzipSync(Uint8Array.from(bytes)),
      bytes.map((byte) => Uint8Array.of(byte)),
    ]) {
      await expect(outcome(input)).rejects.toMatchObject(wanted);
    }
  });
});

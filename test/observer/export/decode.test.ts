import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeExport,
  decodeExportBatches,
  ExportError,
  encodeExportLine,
  MAX_LINE_BYTES,
  type UnknownField,
} from "../../../src/observer/index.js";
import { describeWithShared } from "../../support/shared.js";
import { badLines, readLines, sharedFlowFiles } from "../lines.js";

const utf8 = new TextEncoder();
const line = (uuid: string) => `{"flow":{"uuid":"${uuid}"}}`;
const GOOD = `${line("1")}\n${line("2")}\n${line("3")}\n`;

/** The uuids of the flows, which are consecutive numbers. */
async function uuids(...args: Parameters<typeof readLines>): Promise<string> {
  const { events, error } = await readLines(...args);
  if (error !== undefined) throw error;
  return events.map(({ responseTypes }) => (responseTypes.value as { uuid?: string })?.uuid ?? "?").join();
}

describe("decodeExport: inputs", () => {
  const bytes = utf8.encode(GOOD);
  async function* slowly<T>(chunks: Iterable<T>) {
    for (const chunk of chunks) yield await chunk;
  }
  test.each([
    { name: "bytes", input: bytes },
    { name: "a string", input: GOOD },
    { name: "a list of chunks", input: [bytes.subarray(0, 10), bytes.subarray(10)] },
    { name: "a list of strings", input: [GOOD.slice(0, 10), GOOD.slice(10)] },
    { name: "an async iterable", input: slowly([bytes.subarray(0, 1), bytes.subarray(1)]) },
    { name: "a Node.js stream", input: Readable.from([GOOD.slice(0, 30), GOOD.slice(30)]) },
    { name: "a web stream", input: new Blob([bytes]).stream() },
    {
      name: "a web stream that only has a reader",
      input: { getReader: () => new Blob([bytes]).stream().getReader() },
    },
    { name: "gzip", input: gzipSync(bytes) },
    {
      name: "gzip with several members",
      input: [gzipSync(line("1")), gzipSync(`\n${line("2")}\n`), gzipSync(line("3"))],
    },
    { name: "gzip with padding", input: [gzipSync(bytes), new Uint8Array(512)] },
    { name: "gzip in chunks of one byte", input: [...gzipSync(bytes)].map((byte) => Uint8Array.of(byte)) },
    { name: "lines without a final line feed", input: GOOD.trimEnd() },
    { name: "lines with carriage returns", input: GOOD.replaceAll("\n", "\r\n") },
    { name: "lines after a byte order mark", input: `\ufeff${GOOD}` },
    { name: "lines between empty lines", input: `\n \n\t\r\n${GOOD.replaceAll("\n", "\n\n")}\n` },
  ])("reads $name", async ({ input }) => {
    expect(await uuids(input)).toBe("1,2,3");
  });

  test.each([
    { name: "nothing", input: new Uint8Array() },
    { name: "no chunks", input: [] },
    { name: "empty chunks", input: ["", new Uint8Array()] },
    { name: "only a byte order mark", input: "\ufeff" },
    { name: "gzip of empty input", input: gzipSync("") },
  ])("yields no event for $name", async ({ input }) => {
    expect(await uuids(input)).toBe("");
  });

  test("yields the same events for chunks of any size", async () => {
    const text = `${line("é€😀".repeat(40))}\n\r\n${GOOD}${line("<last>")}`;
    const whole = utf8.encode(text);
    const compressed = gzipSync(whole);
    const wanted = await uuids(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(whole, compressed),
        fc.uniqueArray(fc.nat(whole.length), { maxLength: 20 }),
        async (all, cuts) => {
          const ends = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
          const chunks = ends.slice(1).map((end, index) => all.subarray(ends[index], end));
          expect(await uuids(chunks)).toBe(wanted);
        },
      ),
    );
  });

  test("supports a buffer that is reused for the next chunk", async () => {
    const shared = new Uint8Array(7);
    function* chunks() {
      for (let at = 0; at < bytes.length; at += shared.length) {
        const chunk = bytes.subarray(at, at + shared.length);
        shared.set(chunk);
        yield shared.subarray(0, chunk.length);
      }
    }
    expect(await uuids(chunks())).toBe("1,2,3");
  });

  test("throws a TypeError for input that is neither bytes nor a string", async () => {
    const { error } = await readLines([1] as never);
    expect(error).toBeInstanceOf(TypeError);
  });

  test.each(["an iterable", "a reader"])("closes %s when the iteration ends early", async (kind) => {
    let closed = 0;
    async function* source() {
      try {
        for (;;) yield GOOD;
      } finally {
        closed++;
      }
    }
    const chunks = source();
    const reader = { read: () => chunks.next() as never, cancel: async () => void (await chunks.return()) };
    for await (const _ of decodeExport(kind === "a reader" ? { getReader: () => reader } : chunks)) break;
    expect(closed).toBe(1);
  });

  test("a failing input fails the iteration, after the events before it", async () => {
    async function* source() {
      yield `${line("1")}\n${line("2")}\n{"fl`;
      throw new Error("cable cut");
    }
    const { events, error } = await readLines(source());
    expect(events).toHaveLength(2);
    expect(error).toMatchObject({ message: "cable cut" });
  });

  test("batches contain the events of a chunk", async () => {
    const sizes: number[] = [];
    for await (const batch of decodeExportBatches([GOOD, "\n", line("4"), `\n${GOOD}`]))
      sizes.push(batch.length);
    expect(sizes).toEqual([3, 1, 3]);
  });
});

describe("decodeExport: bad lines", () => {
  const bad = `${line("1")}\n\nnonsense\n[1]\n"text"\nnull\n${line("2")}\n{"flow":{"verdict":[]}}\n{"flow":`;

  test("are thrown by default, after the events before them", async () => {
    const { events, error } = await readLines(bad);
    expect(events).toHaveLength(1);
    expect(error).toBeInstanceOf(ExportError);
    expect(error).toMatchObject({ code: "malformed_export", line: 3 });
    expect((error as Error).message).toMatch(/^line 3: not JSON: /);
  });

  test("are skipped with the option", async () => {
    expect(await uuids(bad, { onBadLine: "skip" })).toBe("1,2");
  });

  test("are reported with their line numbers", async () => {
    const messages = await badLines(bad);
    expect(messages.map((message) => message.replace(/(not JSON|decode field).*/, "$1"))).toEqual([
      "line 3: not JSON",
      "line 4: list of events: not a JSON object",
      "line 5: not a JSON object",
      "line 6: not a JSON object",
      "line 8: cannot decode enum flow.Verdict from JSON: Array(0)",
      "line 9: not JSON",
    ]);
    expect(await uuids(bad, { onBadLine: () => {} })).toBe("1,2");
  });

  test("a message about a bad line is a single line, whatever the line contains", async () => {
    const [message = ""] = await badLines(JSON.stringify({ log: "starting\n\u001b[31m", stream: "stdout" }));
    expect(message).toMatch(/^line 1: docker log line: not JSON: /);
    expect(message).not.toMatch(/\p{Cc}/u);
  });

  test("an error thrown by the callback propagates", async () => {
    const onBadLine = () => {
      throw new RangeError("enough");
    };
    expect((await readLines(bad, { onBadLine })).error).toMatchObject({ message: "enough" });
  });

  test("include lines with invalid UTF-8 at any position", async () => {
    const parts = [
      utf8.encode(`${line("1")}\n{"flow":{"uuid":"`),
      Uint8Array.of(0xff),
      utf8.encode(`"}}\n${line("2")}`),
    ];
    const bytes = Buffer.concat(parts);
    for (const input of [parts, bytes, [...bytes].map((byte) => Uint8Array.of(byte))]) {
      expect(await badLines(input)).toEqual(["line 2: not valid UTF-8"]);
      expect(await uuids(input, { onBadLine: "skip" })).toBe("1,2");
    }
  });

  test("damaged gzip fails, after the events decompressed before", async () => {
    const compressed = gzipSync(`${GOOD}${"x".repeat(100_000)}`, { level: 0 });
    const cut = await readLines(compressed.subarray(0, 60_000));
    expect(cut.events).toHaveLength(3);
    expect(cut.error).toMatchObject({ code: "malformed_gzip", message: "the gzip data ends too early" });
    compressed[compressed.length - 8]! ^= 1;
    const damaged = await readLines(compressed, { onBadLine: "skip" });
    expect(damaged.events).toHaveLength(3);
    expect(damaged.error).toMatchObject({
      code: "malformed_gzip",
      message: expect.stringContaining("damaged gzip data"),
    });
  });
});

describe("decodeExport: maxLineBytes", () => {
  const long = line("x".repeat(200));

  test.each([
    { name: "reads a line of exactly that length", maxLineBytes: long.length, reported: [] },
    {
      name: "reports a line longer by a byte",
      maxLineBytes: long.length - 1,
      reported: [`line 2: longer than ${long.length - 1} bytes`],
    },
  ])("$name, in chunks of any size", async ({ maxLineBytes, reported }) => {
    const text = `${line("1")}\n${long}\n${line("2")}\n${line("3")}`;
    for (const size of [1, 7, 64, 230, 1000]) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
        text.slice(index * size, (index + 1) * size),
      );
      expect(await badLines(chunks, { maxLineBytes })).toEqual(reported);
      const { events } = await readLines(chunks, { maxLineBytes, onBadLine: "skip" });
      expect(events).toHaveLength(reported.length === 0 ? 4 : 3);
    }
  });

  test("counts bytes, not characters", async () => {
    const text = line("é".repeat(50));
    expect(await badLines(text, { maxLineBytes: text.length + 49 })).toHaveLength(1);
    expect(await badLines(text, { maxLineBytes: text.length + 50 })).toHaveLength(0);
  });

  test("does not buffer a line without end", async () => {
    const megabyte = new Uint8Array(1024 * 1024).fill(0x20);
    function* endless() {
      for (let count = 0; count < 500; count++) yield megabyte;
      yield utf8.encode(`\n${line("2")}`);
    }
    const before = process.memoryUsage().arrayBuffers;
    expect(await badLines(endless())).toEqual([`line 1: longer than ${MAX_LINE_BYTES} bytes`]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100e6);
  });

  test("rejects a value that is not a positive number", async () => {
    for (const maxLineBytes of [0, -1, Number.NaN]) {
      expect((await readLines("", { maxLineBytes })).error).toMatchObject({
        code: "invalid_options",
        issues: [{ path: "maxLineBytes" }],
      });
    }
  });
});

describe("decodeExport: unknown fields", () => {
  test.each([
    {
      name: "a field of a flow",
      text: '{"flow":{"uuid":"1","from_the_future":{"a":[{"b":1}]}}}',
      says: '"from_the_future"',
    },
    {
      name: "a field of a nested message",
      text: '{"flow":{"uuid":"1","source":{"tier":1}}}',
      says: "flow.Endpoint",
    },
    {
      name: "a field of the envelope",
      text: '{"flow":{"uuid":"1"},"cluster":"c"}',
      says: "observer.GetFlowsResponse",
    },
    {
      name: "an unknown name of an enum value",
      text: '{"flow":{"uuid":"1","verdict":"PONDERED"}}',
      says: "PONDERED",
    },
    { name: "a field with a list", text: '{"flow":{"uuid":"1"},"x":[]}', says: '"x"' },
    { name: "__proto__", text: '{"flow":{"uuid":"1","__proto__":{"polluted":true}}}', says: "__proto__" },
    {
      name: "constructor",
      text: '{"flow":{"uuid":"1","constructor":{"prototype":{"polluted":true}}}}',
      says: "constructor",
    },
    { name: "a field in JSON with spaces", text: '{"flow" : {"uuid":"1","x":1}}', says: '"x"' },
  ])("ignores $name and reports it once", async ({ text, says }) => {
    const reported: UnknownField[] = [];
    const onUnknownField = (field: UnknownField) => reported.push(field);
    expect(await uuids(`${line("0")}\n${text}\n${text}`, { onUnknownField })).toBe("0,1,1");
    expect(reported).toEqual([{ line: 2, message: expect.stringContaining(says) }]);
    expect({}).not.toHaveProperty("polluted");
    expect(await uuids(text)).toBe("1");
  });
});

describe("decodeExport: hostile lines", () => {
  const depth = 100_000;
  test.each([
    {
      name: "nested lists",
      text: `{"flow":{"uuid":${"[".repeat(depth)}${"]".repeat(depth)}}}`,
      bad: 1,
    },
    { name: "nested objects", text: `${'{"flow":'.repeat(depth)}1${"}".repeat(depth)}`, bad: 0 },
    {
      name: "nested unknown lists",
      text: `{"flow":{"x":${"[".repeat(depth)}${"]".repeat(depth)}}}`,
      bad: 0,
    },
    {
      name: "nested unknown objects",
      text: `{"flow":{"x":${'{"y":'.repeat(depth)}1${"}".repeat(depth)}}}`,
      bad: 0,
    },
    { name: "unclosed brackets", text: `{"flow":${"[".repeat(depth)}`, bad: 1 },
    {
      name: "nested extensions",
      text: `{"flow":{"extensions":${'{"@type":"/google.protobuf.Any","value":'.repeat(5000)}{}${"}".repeat(5000)}}}`,
      bad: 1,
    },
    { name: "a number of 500,000 digits", text: `{"flow":{"socket_cookie":${"9".repeat(500_000)}}}`, bad: 1 },
    {
      name: "a string of 500,000 digits",
      text: `{"flow":{"socket_cookie":"${"9".repeat(500_000)}"}}`,
      bad: 1,
    },
    {
      name: "a huge exponent",
      text: '{"flow":{"socket_cookie":1e999999999,"drop_reason":1e99}}',
      bad: 1,
    },
    {
      name: "60,000 unknown fields",
      text: `{"flow":{${Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`)}}}`,
      bad: 0,
    },
    {
      name: "one field 100,000 times",
      text: `{"flow":{${Array.from({ length: depth }, () => '"uuid":"a"')}}}`,
      bad: 1,
    },
    {
      name: "a list of 300,000 strings",
      text: `{"flow":{"node_labels":[${Array.from({ length: 300_000 }, () => '""')}]}}`,
      bad: 0,
    },
    {
      name: "900,000 backslashes",
      text: `{"flow":{"uuid":"${"\\\\".repeat(450_000)}","socket_cookie":9007199254740993}}`,
      bad: 0,
    },
  ])("reads or reports $name", async ({ text, bad }) => {
    expect(await badLines(`${text}\n${line("1")}`)).toHaveLength(bad);
  });

  test("any string results in events and ExportErrors only", async () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"',
      '"flow"',
      '"uuid"',
      '"l4":{',
      "\\",
      "1",
      "e",
      "null",
      "\n",
      "\ud800",
    );
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(pieces).map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(texts, fc.uint8Array()), async (input) => {
        const { error } = await readLines(input);
        if (error !== undefined) expect(error).toBeInstanceOf(ExportError);
        // Files of other kinds are detected by two bytes, before lines are decoded.
        const { error: rest } = await readLines(input, { onBadLine: "skip" });
        if (rest !== undefined) expect(rest).toMatchObject({ name: "ExportError", line: undefined });
      }),
      { numRuns: 500 },
    );
  });
});

describeWithShared("decodeExport: real files", () => {
  test("yields the same events for compressed and plain files", async () => {
    for (const { bytes } of sharedFlowFiles()) {
      const print = async (input: Uint8Array) =>
        (await readLines(input)).events.map((event) => encodeExportLine(event));
      expect(await print(gzipSync(bytes))).toEqual(await print(bytes));
    }
  });
});

test.each([
  { path: "events.log" },
  { path: "/var/run/cilium/hubble/events.log.gz" },
  { path: "C:\\logs\\a.jsonl" },
])("decodeExport: rejects the path $path instead of the content", ({ path }) => {
  expect(() => decodeExport(path)).toThrow(
    new TypeError(
      "decodeExport: input must be the content of a file, not its path: pass createReadStream(path)",
    ),
  );
});

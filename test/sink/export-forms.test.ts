import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeExportLine, filterExport } from "../../src/observer/index.js";
import { observe, openRecorderServer, openTransport } from "../../src/rpc/index.js";
import { openExportFile, openExportStream } from "../../src/sink/export.js";
import { fakeObserver, fakeRecorder, flow } from "../../src/testing/index.js";
import {
  collectingStream,
  EXPORT_FORMS,
  exportSinkContract,
  flowEvent,
  slowStream,
} from "../contract/export-sink.js";
import { fakeClock } from "../support/fake-clock.js";

const utf8 = new TextEncoder();

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "flowscribe-export-forms-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

for (const form of EXPORT_FORMS) {
  exportSinkContract("openExportFile", form, async (options) => {
    const path = join(root, "hubble.log");
    return { sink: await openExportFile(path, options), written: () => readFileSync(path, "utf8") };
  });
  exportSinkContract("openExportStream", form, async (options) => {
    const { stream, written } = collectingStream();
    return { sink: await openExportStream(stream, options), written };
  });
}

describe.each(EXPORT_FORMS)("openExportFile: $name", ({ write }) => {
  test("rotates, and loses no line of any size", async () => {
    const path = join(root, "hubble.log");
    const clock = fakeClock(1_700_000_000_000);
    const sink = await openExportFile(path, { clock, maxFileBytes: 100_000, maxBackups: 0 });
    // The third is longer than the buffer.
    const events = ["a", "b".repeat(70_000), "c".repeat(300_000), "d", "e".repeat(99_950)].map((uuid) =>
      flowEvent(uuid),
    );
    for (const event of events) {
      await write(sink, event);
      clock.advance(1000);
    }
    await sink.close();
    // Sorted by time; the file itself, which has no time, is the newest.
    const [newest, ...backups] = readdirSync(root).sort(
      (one, other) => one.length - other.length || (one < other ? -1 : 1),
    );
    const text = [...backups, newest!].map((name) => readFileSync(join(root, name), "utf8")).join("");
    expect(text).toBe(events.map((event) => `${encodeExportLine(event)}\n`).join(""));
    expect(sink.stats).toMatchObject({ written: 5, rotations: 3, bytes: Buffer.byteLength(text) });
  });
});

describe.each(EXPORT_FORMS)("openExportStream: $name", ({ write }) => {
  test("returns a promise while the stream is full", async () => {
    const { stream, confirm } = slowStream();
    const sink = await openExportStream(stream);
    const order: string[] = [];
    const waiting = Promise.resolve(write(sink, flowEvent("a"))).then(() => order.push("written"));
    await new Promise((resolve) => setImmediate(resolve));
    order.push("confirmed");
    confirm();
    await waiting;
    expect(order).toEqual(["confirmed", "written"]);
  });

  test("loses what a failed stream has not written", async () => {
    const { stream, confirm } = slowStream();
    const sink = await openExportStream(stream);
    const waiting = write(sink, flowEvent("a"));
    confirm(new Error("broken pipe"));
    await expect(waiting).rejects.toMatchObject({ code: "sink_failed" });
    expect(() => write(sink, flowEvent("b"))).toThrow("broken pipe");
    await expect(sink.close()).rejects.toMatchObject({ code: "sink_failed" });
    expect(sink.stats).toMatchObject({ offered: 2, written: 0, lost: 2, bytes: 0 });
  });
});

describe("writeResponse", () => {
  test("decodes only the events that the filter lists accept", async () => {
    const { stream } = collectingStream();
    const sink = await openExportStream(stream, { allow: [{ verdict: ["DROPPED"] }] });
    // The length of the source is that of more bytes than there are.
    const damaged = (verdict: number) => Uint8Array.of(0x0a, 6, 0x10, verdict, 0x42, 2, 0x2a, 9);
    expect(sink.writeResponse(damaged(1))).toBeUndefined();
    expect(() => sink.writeResponse(damaged(2))).toThrow(
      expect.objectContaining({ code: "malformed_message" }),
    );
    expect(sink.stats).toMatchObject({ offered: 2, filtered: 1, lost: 1 });
    await sink.close();
  });

  test("exports what observe yields encoded", async () => {
    const flows = ["a", "b", "c"].map((name) => flow({ from: `shop/${name}` }));
    const { routes } = fakeObserver({ flows });
    const server = await openRecorderServer("127.0.0.1:0", fakeRecorder().service, { routes });
    const transport = openTransport(server.address);
    try {
      const decoded = collectingStream();
      const reference = await openExportStream(decoded.stream, { deny: [{ sourcePod: ["shop/b"] }] });
      for await (const response of observe(transport)) await reference.write(response);
      await reference.close();

      const encoded = collectingStream();
      const sink = await openExportStream(encoded.stream, { deny: [{ sourcePod: ["shop/b"] }] });
      for await (const response of observe(transport, {}, { encoded: true }))
        await sink.writeResponse(response);
      await sink.close();
      expect(encoded.written()).toBe(decoded.written());
      expect(encoded.written().trimEnd().split("\n")).toHaveLength(2);
      expect(sink.stats).toEqual(reference.stats);
      expect(sink.stats).toMatchObject({ offered: 3, written: 2, filtered: 1 });
    } finally {
      transport.close();
      await server.close({ graceMs: 100 });
    }
  });
});

describe("writeLine", () => {
  /** Neither the form that this package writes, nor valid UTF-8 in a value that no filter reads. */
  const unusual = Buffer.concat([
    utf8.encode('{ "flow" : {"verdict":2, "future":[1.50e1], "uuid":"'),
    Uint8Array.of(0xff, 0xfe),
    utf8.encode('"} }\t'),
  ]);

  test("keeps the bytes of a line, and adds a line feed only if it is missing", async () => {
    const path = join(root, "hubble.log");
    const sink = await openExportFile(path, { allow: [{ verdict: ["DROPPED"] }] });
    sink.writeLine(unusual);
    sink.writeLine(Buffer.concat([unusual, utf8.encode("\n")]));
    sink.writeLine(Buffer.concat([unusual, utf8.encode("\r\n")]));
    await sink.close();
    const lf = utf8.encode("\n");
    const written = Buffer.concat([unusual, lf, unusual, lf, unusual, utf8.encode("\r\n")]);
    expect(readFileSync(path).equals(written)).toBe(true);
    expect(sink.stats).toMatchObject({ written: 3, bytes: written.length });
  });

  test("keeps the bytes of a line in a stream", async () => {
    const chunks: Buffer[] = [];
    const { stream } = collectingStream();
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    const sink = await openExportStream(stream);
    await sink.writeLine(unusual);
    await sink.close();
    expect(Buffer.concat(chunks).equals(Buffer.concat([unusual, utf8.encode("\n")]))).toBe(true);
  });

  test("keeps unknown fields of lines, and drops them with a field mask", async () => {
    const line = utf8.encode('{"flow":{"uuid":"a","future":1}}');
    const whole = collectingStream();
    const sink = await openExportStream(whole.stream);
    await sink.writeLine(line);
    await sink.close();
    expect(whole.written()).toBe('{"flow":{"uuid":"a","future":1}}\n');
    const masked = collectingStream();
    const masking = await openExportStream(masked.stream, { fieldMask: ["uuid"] });
    await masking.writeLine(line);
    await masking.close();
    expect(masked.written()).toBe('{"flow":{"uuid":"a"}}\n');
  });

  test.each([
    ["two lines", '{"flow":{}}\n{"flow":{}}', 11],
    ["a document on several lines", '{"flow":\n{}}\n', 8],
    ["an empty line", "\n", 0],
    ["no event", '{"node_name":"n"}', 0],
  ])("rejects %s, with the offset of the fault", async (_, text, offset) => {
    const { stream } = collectingStream();
    const sink = await openExportStream(stream);
    expect(() => sink.writeLine(utf8.encode(text))).toThrow(
      expect.objectContaining({ code: "malformed_export", offset }),
    );
    await sink.close();
    expect(sink.stats).toMatchObject({ offered: 1, lost: 1, bytes: 0 });
  });

  test("copies the matching lines of an export file without changing a byte", async () => {
    const lines = [
      '{"flow":{"verdict":"DROPPED","uuid":"\\u0031"},"node_name":"n"}',
      '{"flow":{"verdict":"FORWARDED"}}',
      '{ "verdict": 2, "unknown": {"a": [1.0, null]} }',
    ];
    const source = join(root, "events.log");
    writeFileSync(source, lines.map((line) => `${line}\n`).join(""));
    const path = join(root, "dropped.log");
    const sink = await openExportFile(path);
    for await (const line of filterExport(readFileSync(source), { allow: [{ verdict: ["DROPPED"] }] })) {
      await sink.writeLine(line);
    }
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe(`${lines[0]}\n${lines[2]}\n`);
  });
});

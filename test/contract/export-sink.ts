import { PassThrough, Writable } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { encodeExportLine } from "../../src/observer/index.js";
import { type GetFlowsResponse, GetFlowsResponseSchema, Verdict } from "../../src/proto.js";
import type { ExportOptions, ExportSink } from "../../src/sink/export.js";
import { fakeClock } from "../support/fake-clock.js";

/** How an event is passed to a sink. */
export interface ExportForm {
  readonly name: "write" | "writeResponse" | "writeLine";
  /** Passes an event in this form, in a buffer that the caller reuses. */
  write(sink: ExportSink, event: GetFlowsResponse): void | Promise<void>;
  /** Passes something that cannot be exported. */
  writeDamaged(sink: ExportSink): void | Promise<void>;
  /** The code of the error for it. */
  readonly code: string;
  /** Passes an argument of a wrong type. */
  writeWrong(sink: ExportSink): void;
}

const utf8 = new TextEncoder();

/** Calls a function with bytes that do not keep their content. */
function reusing<T>(bytes: Uint8Array, call: (bytes: Uint8Array) => T): T {
  const copy = bytes.slice();
  const result = call(copy);
  copy.fill(0x3f);
  return result;
}

export const EXPORT_FORMS: readonly ExportForm[] = [
  {
    name: "write",
    write: (sink, event) => sink.write(event),
    // A time after the year 9999.
    writeDamaged: (sink) => sink.write(create(GetFlowsResponseSchema, { time: { seconds: 2n ** 60n } })),
    code: "unencodable_event",
    writeWrong: (sink) => sink.write({} as never),
  },
  {
    name: "writeResponse",
    write: (sink, event) =>
      reusing(toBinary(GetFlowsResponseSchema, event), (bytes) => sink.writeResponse(bytes)),
    writeDamaged: (sink) => sink.writeResponse(Uint8Array.of(0x0a, 9, 1)),
    code: "malformed_message",
    writeWrong: (sink) => sink.writeResponse("x" as never),
  },
  {
    name: "writeLine",
    write: (sink, event) => reusing(utf8.encode(encodeExportLine(event)), (bytes) => sink.writeLine(bytes)),
    writeDamaged: (sink) => sink.writeLine(utf8.encode('{"flow":')),
    code: "malformed_export",
    writeWrong: (sink) => sink.writeLine("{}" as never),
  },
];

export function flowEvent(uuid: string, verdict = Verdict.FORWARDED): GetFlowsResponse {
  return create(GetFlowsResponseSchema, {
    responseTypes: { case: "flow", value: { uuid, verdict, source: { podName: "web" } } },
    nodeName: "n",
  });
}

/** The rules for every form of events, for any destination. */
export function exportSinkContract(
  destination: string,
  { name, write, writeDamaged, writeWrong, code }: ExportForm,
  open: (options: ExportOptions) => Promise<{ sink: ExportSink; written: () => string }>,
): void {
  describe(`${destination}: ${name}`, () => {
    test("exports a line for each event that the filter lists accept, and counts", async () => {
      const { sink, written } = await open({
        allow: [{ verdict: ["DROPPED"] }],
        deny: [{ uuid: ["secret"] }],
      });
      const accepted = flowEvent("\u00e9\u{1f600}", Verdict.DROPPED);
      await write(sink, accepted);
      await write(sink, flowEvent("b"));
      await write(sink, flowEvent("secret", Verdict.DROPPED));
      const lost = { case: "lostEvents", value: { numEventsLost: 3n } } as const;
      await write(sink, create(GetFlowsResponseSchema, { responseTypes: lost }));
      await write(sink, flowEvent("c", Verdict.DROPPED));
      await sink.close();
      const lines = [accepted, flowEvent("c", Verdict.DROPPED)].map(
        (event) => `${encodeExportLine(event)}\n`,
      );
      expect(written()).toBe(lines.join(""));
      expect(sink.stats).toEqual({
        ...{ offered: 5, written: 2, filtered: 3, late: 0, lost: 0, rotations: 0 },
        bytes: Buffer.byteLength(lines.join("")),
      });
    });

    test("exports events other than flows without filter lists", async () => {
      const { sink, written } = await open({});
      const lost = { case: "lostEvents", value: { numEventsLost: 3n } } as const;
      const event = create(GetFlowsResponseSchema, { responseTypes: lost, nodeName: "n" });
      await write(sink, event);
      await sink.close();
      expect(written()).toBe(`${encodeExportLine(event)}\n`);
    });

    test("exports the fields of the mask only", async () => {
      const { sink, written } = await open({ fieldMask: ["uuid", "source.pod_name"] });
      await write(sink, flowEvent("a", Verdict.DROPPED));
      await sink.close();
      expect(written()).toBe('{"flow":{"uuid":"a","source":{"pod_name":"web"}}}\n');
    });

    test("exports nothing from the end time on", async () => {
      const clock = fakeClock(1000);
      const { sink, written } = await open({ clock, end: new Date(2000) });
      await write(sink, flowEvent("a"));
      clock.advance(1000);
      await write(sink, flowEvent("b"));
      await sink.close();
      expect(written()).toBe(`${encodeExportLine(flowEvent("a"))}\n`);
      expect(sink.stats).toMatchObject({ offered: 2, written: 1, late: 1 });
    });

    test("loses a damaged event, not the next one", async () => {
      const { sink, written } = await open({});
      expect(() => writeDamaged(sink)).toThrow(expect.objectContaining({ code }));
      await write(sink, flowEvent("a"));
      await sink.close();
      expect(written()).toBe(`${encodeExportLine(flowEvent("a"))}\n`);
      expect(sink.stats).toMatchObject({ offered: 2, written: 1, lost: 1 });
    });

    test("throws a TypeError for other arguments, without counting, and after close", async () => {
      const { sink } = await open({});
      expect(() => writeWrong(sink)).toThrow(TypeError);
      expect(() => writeWrong(sink)).toThrow(`${name}: `);
      expect(sink.stats.offered).toBe(0);
      await sink.close();
      expect(() => write(sink, flowEvent("a"))).toThrow("the export is closed");
    });
  });
}

/** A stream that collects what is written. */
export function collectingStream(): { stream: Writable; written: () => string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, written: () => Buffer.concat(chunks).toString() };
}

/** A stream that confirms a write when `confirm` is called. */
export function slowStream(): { stream: Writable; confirm: (error?: Error) => void } {
  const waiting: ((error?: Error) => void)[] = [];
  const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => waiting.push(done) });
  return { stream, confirm: (error) => waiting.shift()?.(error) };
}

import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { createInputReport, MAX_REPORTED } from "../../../src/cli/input/report.js";
import { createMessages } from "../../../src/cli/io/messages.js";
import { skipUnencodable } from "../../../src/cli/observe/skip-unencodable.js";
import { createFlowPrinter } from "../../../src/observer/index.js";
import { GetFlowsResponseSchema, NodeState } from "../../../src/proto.js";
import { fakeIo } from "../fake-io.js";

function response(uuid: string, seconds: bigint, nodeName = "") {
  const value = { uuid, time: { seconds } };
  return create(GetFlowsResponseSchema, { nodeName, responseTypes: { case: "flow", value } });
}

const TOO_LATE = 10n ** 15n;
const FAULT = `has no JSON form: google.protobuf.Timestamp: seconds out of range ${TOO_LATE}`;

function printerTo(io: ReturnType<typeof fakeIo>) {
  const report = createInputReport(createMessages(io));
  return { report, printer: skipUnencodable(createFlowPrinter({ output: "jsonpb" }), "a.log", report) };
}

test("skipUnencodable: skips events without a JSON form, reports each, and prints the next", () => {
  const io = fakeIo();
  const { printer, report } = printerTo(io);
  expect(report.isIncomplete).toBe(false);
  expect(printer.write(response("1", TOO_LATE, "n\u001b[2J"))).toEqual({ out: "", err: "" });
  expect(printer.write(response("", TOO_LATE))).toEqual({ out: "", err: "" });
  const status = create(GetFlowsResponseSchema, {
    time: { seconds: TOO_LATE },
    responseTypes: { case: "nodeStatus", value: { stateChange: NodeState.NODE_UNAVAILABLE } },
  });
  expect(printer.write(status)).toEqual({ out: "", err: "" });
  expect(printer.write(response("2", 0n)).out).toContain('"uuid":"2"');
  report.ended("a.log");
  expect(report.isIncomplete).toBe(true);
  expect(io.err().trimEnd().split("\n")).toEqual([
    `a.log: the flow with UUID 1 of node n^[[2J ${FAULT}`,
    `a.log: a flow without UUID ${FAULT}`,
    `a.log: an event (nodeStatus) ${FAULT}`,
    "a.log: 3 events skipped",
  ]);
});

test("skipUnencodable: reports the first of many events individually, then their number", () => {
  const io = fakeIo();
  const { printer, report } = printerTo(io);
  for (let index = 0; index < 100; index++) printer.write(response(String(index), TOO_LATE));
  report.ended("a.log");
  const lines = io.err().trimEnd().split("\n");
  expect(lines).toHaveLength(MAX_REPORTED + 2);
  expect(lines.slice(-2)).toEqual(["a.log: more events cannot be printed …", "a.log: 100 events skipped"]);
});

test("skipUnencodable: throws other errors", () => {
  const { report } = printerTo(fakeIo());
  const fault = new Error("disk");
  const fails = () => {
    throw fault;
  };
  const printer = skipUnencodable({ write: fails, end: fails }, "a.log", report);
  expect(() => printer.write(response("1", 0n))).toThrow(fault);
});

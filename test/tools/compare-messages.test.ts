import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { file_flow_flow } from "../../src/gen/flow/flow_pb.js";
import { compareMessages, formatDifference, readProto } from "../../tools/compare-messages/compare.js";

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "compare-messages-"));
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Writes the declarations of a package to a file, and reads it. */
function read(version: string, declarations: string) {
  mkdirSync(join(root, version, "a"), { recursive: true });
  mkdirSync(join(root, version, "b"), { recursive: true });
  writeFileSync(join(root, version, "b/b.proto"), 'syntax = "proto3";\npackage b;\nmessage B {}\n');
  const path = join(root, version, "a/a.proto");
  writeFileSync(path, `syntax = "proto3";\npackage a;\nimport "b/b.proto";\n${declarations}`);
  return readProto(path);
}

const OURS = `
message Same { string name = 1; b.B other = 2; }
message M {
  reserved 9;
  string kept = 1;
  string number = 2;
  uint32 type = 3;
  repeated string label = 4;
  map<string, int64> entries = 5;
  oneof choice { bool chosen = 6; }
  string old = 7;
  string removed = 8;
  message Inner { enum Kind { ZERO = 0; ONE = 1; } Kind kind = 1; }
}
message Order { string one = 1; string two = 2; }
message Gone { string name = 1; }
`;
const THEIRS = `
message Same { string name = 1; b.B other = 2; }
message M {
  string kept = 1;
  string number = 12;
  uint64 type = 3;
  string label = 4;
  map<string, string> entries = 5;
  bool chosen = 6;
  string old = 7 [deprecated = true];
  b.B added = 10;
  message Inner { enum Kind { ZERO = 0; ONE = 2; TWO = 1; } Kind kind = 1; }
}
message Order { string two = 2; string new = 3; string one = 1; }
enum New { NOTHING = 0; }
`;

describe("compareMessages", () => {
  test("lists every difference in messages, fields, numbers, types and enums", () => {
    const lines = compareMessages(read("ours", OURS), read("theirs", THEIRS)).map(formatDifference);
    expect(lines).toEqual([
      "a.M.number: string = 2 here, string = 12 there",
      "a.M.type: uint32 = 3 here, uint64 = 3 there",
      "a.M.label: repeated string = 4 here, string = 4 there",
      "a.M.entries: map<string, int64> = 5 here, map<string, string> = 5 there",
      "a.M.chosen: bool = 6 in oneof choice here, bool = 6 there",
      "a.M.old: string = 7 here, string = 7 [deprecated] there",
      "a.M.removed: missing there; string = 8",
      "a.M.Inner.Kind.ONE: = 1 here, = 2 there",
      "a.Order: order one, two here, order two, one there",
      "a.Gone: missing there; message",
      "a.Gone.name: missing there; string = 1",
      "a.M.added: missing here; b.B = 10",
      "a.M.Inner.Kind.TWO: missing here; = 1",
      "a.Order.new: missing here; string = 3",
      "a.New: missing here; enum",
      "a.New.NOTHING: missing here; = 0",
    ]);
  });

  test("finds nothing in the text from which our descriptors are generated", () => {
    const text = readProto(join(import.meta.dirname, "../../proto/flow/flow.proto"));
    expect(compareMessages(file_flow_flow, text)).toEqual([]);
  });

  test("readProto: throws for a text that is not valid", () => {
    expect(() => read("invalid", "message M { string name = 0; }")).toThrow("field number out of range");
  });
});

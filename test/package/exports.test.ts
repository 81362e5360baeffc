import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { repository } from "../support/run.js";

const { exports } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
  exports: Record<string, { default?: string }>;
};
const files = Object.values(exports).flatMap((entry) => entry.default ?? []);

describe("the bundle", () => {
  test.each(files)("%s exports the names of its source, and nothing that other files share", async (file) => {
    const load = async (path: string) => import(pathToFileURL(join(repository, path)).href);
    const source = file.replace("./dist/", "src/").replace(/\.js$/, ".ts");
    expect(Object.keys(await load(file)).sort()).toEqual(Object.keys(await load(source)).sort());
  });
});

test("messages and descriptors of another copy of @bufbuild/protobuf are accepted, and those of the bundle by it", async () => {
  const proto: typeof import("../../src/proto.js") = await import(
    pathToFileURL(join(repository, "dist/proto.js")).href
  );
  const filter: typeof import("../../src/filter/index.js") = await import(
    pathToFileURL(join(repository, "dist/filter/index.js")).href
  );
  const { create, fromBinary, isMessage, toBinary, toJson } = await import("@bufbuild/protobuf");
  const { timestampFromMs } = await import("@bufbuild/protobuf/wkt");
  const flow = create(proto.FlowSchema, { uuid: "a", time: timestampFromMs(1500), verdict: 2 });
  expect(isMessage(flow, proto.FlowSchema)).toBe(true);
  const decoded = proto.decodeFlow(toBinary(proto.FlowSchema, flow));
  expect(toJson(proto.FlowSchema, decoded)).toEqual({
    uuid: "a",
    time: "1970-01-01T00:00:01.500Z",
    verdict: "DROPPED",
  });
  const passes = filter.compileFlowFilter(create(proto.FlowFilterSchema, { verdict: [2] }));
  expect([flow, decoded, fromBinary(proto.FlowSchema, new Uint8Array())].map((one) => passes(one))).toEqual([
    true,
    true,
    false,
  ]);
});

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type FlowLogConfig, flowLogExport } from "../../../src/observer/index.js";
import { FlowSchema, Verdict } from "../../../src/proto.js";
import { openExportFile } from "../../../src/sink/export.js";

const MB = 2 ** 20;

describe("flowLogExport", () => {
  test("returns every option", () => {
    const log: FlowLogConfig = {
      name: "drops",
      filePath: "/drops.log",
      fieldMask: ["verdict"],
      includeFilters: [{ verdict: ["DROPPED"] }],
      excludeFilters: [{ sourcePod: ["kube-system/"] }],
      end: "2026-12-01T00:00:00+01:00",
      fileMaxSizeMb: 3,
      fileMaxBackups: 7,
      fileCompress: true,
    };
    expect(flowLogExport(log, { hubble: "1.19" })).toEqual({
      path: "/drops.log",
      options: {
        hubble: "1.19",
        allow: log.includeFilters,
        deny: log.excludeFilters,
        fieldMask: ["verdict"],
        end: new Date("2026-11-30T23:00:00Z"),
        maxFileBytes: 3 * MB,
        maxBackups: 7,
        compress: true,
      },
    });
  });

  const required = { name: "a", filePath: "/a" };
  const defaults = { maxFileBytes: 10 * MB, maxBackups: 5, compress: false };

  test.each<{ name: string; log: object; expected: object }>([
    { name: "absent", log: {}, expected: defaults },
    {
      name: "null",
      log: { fileMaxSizeMb: null, fileMaxBackups: null, fileCompress: null },
      expected: defaults,
    },
    { name: "0", log: { fileMaxSizeMb: 0, fileMaxBackups: 0 }, expected: defaults },
    { name: "negative: all backups", log: { fileMaxBackups: -1 }, expected: { ...defaults, maxBackups: 0 } },
    { name: "in another case", log: { FILEMAXSIZEMB: 1 }, expected: { ...defaults, maxFileBytes: MB } },
    { name: "a Date as end", log: { end: new Date(5) }, expected: { ...defaults, end: new Date(5) } },
    {
      name: "no fields to aggregate by",
      log: { fieldAggregate: [], aggregationInterval: "0s" },
      expected: defaults,
    },
  ])("applies Hubble's defaults: $name", ({ log, expected }) => {
    expect(flowLogExport({ ...required, ...log }).options).toEqual(expected);
  });

  test("returns no path and no rotation for stdout", () => {
    expect(flowLogExport({ name: "a", filePath: "stdout", fileMaxSizeMb: 3 })).toEqual({
      path: undefined,
      options: {},
    });
  });

  test.each<{ name: string; log: object; issues: string[] }>([
    {
      name: "every issue of the check",
      log: { filePath: "" },
      issues: ["name: name is required", "filePath: filePath is required"],
    },
    {
      name: "aggregation",
      log: { ...required, fieldAggregate: ["verdict"], aggregationInterval: "30s" },
      issues: ["fieldAggregate: flows cannot be aggregated; remove it to export every flow"],
    },
  ])("rejects $name", ({ log, issues }) => {
    const messages = issues.map((issue) => {
      const [path, message] = issue.split(": ", 2);
      return { path, message };
    });
    expect(() => flowLogExport(log as FlowLogConfig)).toThrow(
      expect.objectContaining({ code: "invalid_options", issues: messages }),
    );
  });

  test("the result opens an export file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flowscribe-flow-log-"));
    try {
      const filePath = join(folder, "drops.log");
      const { path, options } = flowLogExport({
        name: "drops",
        filePath,
        fieldMask: ["uuid"],
        includeFilters: [{ verdict: ["DROPPED"] }],
      });
      await using sink = await openExportFile(path!, options);
      await sink.write(create(FlowSchema, { uuid: "1", verdict: Verdict.DROPPED }));
      await sink.write(create(FlowSchema, { uuid: "2" }));
      await sink.close();
      expect(readFileSync(filePath, "utf8")).toBe('{"flow":{"uuid":"1"}}\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

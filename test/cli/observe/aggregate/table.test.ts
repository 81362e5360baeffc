import { describe, expect, test } from "vitest";
import { createGroupTable, type GroupRow } from "../../../../src/cli/observe/aggregate/table.js";
import { type FlowInit, flow } from "../../../../src/testing/index.js";

function row(pod: string, [ingress, egress, unknown]: readonly [number, number, number]): GroupRow {
  return { flow: flow({ from: `shop/${pod}` }), ingress, egress, unknown };
}

const ROWS = [row("a", [1, 0, 0]), row("bb", [100, 20, 3]), row("c", [1, 1, 0])];
const SCREEN = { rows: 24, columns: 80 };

describe("createGroupTable", () => {
  test("lists the groups with most flows first", () => {
    expect(createGroupTable(["source.pod_name", "verdict"]).format(ROWS, 0)).toEqual([
      "FLOWS  INGRESS  EGRESS  UNKNOWN  source.pod_name  verdict",
      "  123      100      20        3  bb               FORWARDED",
      "    2        1       1        0  c                FORWARDED",
      "    1        1       0        0  a                FORWARDED",
    ]);
  });

  test("cuts lines and groups that do not fit on the screen, and says how many", () => {
    const table = createGroupTable(["source.pod_name"]);
    expect(table.format(ROWS, 0, { rows: 3, columns: 20 })).toEqual([
      "FLOWS  INGRESS  EGRE",
      "  123      100      ",
      "… 2 more groups",
    ]);
    expect(table.format(ROWS, 0, { ...SCREEN, rows: 4 })).toHaveLength(4);
    expect(table.format(ROWS, 1, { ...SCREEN, rows: 4 }).slice(2)).toEqual([
      "… 2 more groups",
      "1 flow of further groups, beyond --aggregate-max",
    ]);
  });

  test("is empty without groups", () => {
    expect(createGroupTable(["verdict"]).format([], 0, SCREEN)).toEqual([]);
  });

  test.each<[path: string, text: string, init: FlowInit]>([
    ["source.pod_name", "-", { source: { podName: "" } }],
    ["source.pod_name", "a^[[2J\\nb", { source: { podName: "a\u001b[2J\nb" } }],
    ["source.identity", "700", { source: { identity: 700 } }],
    ["source.labels", "k8s:a=1,k8s:b=2", { source: { labels: ["k8s:a=1", "k8s:b=2"] } }],
    [
      "source.workloads",
      '{name:"a" kind:"Deployment"}',
      { source: { workloads: [{ kind: "Deployment", name: "a" }] } },
    ],
    ["verdict", "DROPPED", { verdict: "DROPPED" }],
    ["verdict", "77", { verdict: 77 as never }],
    ["is_reply", "false", { isReply: false }],
    ["is_reply.value", "true", { isReply: true }],
    ["l4.TCP.destination_port", "0", { to: "10.0.0.1:0" }],
    ["l4.TCP.destination_port", "-", { protocol: "UDP", to: "10.0.0.1:53" }],
    [
      "l4.UDP",
      "{source_port:9 destination_port:53}",
      { protocol: "UDP", from: "10.0.0.2:9", to: "10.0.0.1:53" },
    ],
    ["socket_cookie", "18446744073709551615", { socketCookie: 2n ** 64n - 1n }],
    ["tunnel.IP.source", "-", {}],
  ])("prints %s as %s", (path, text, init) => {
    const lines = createGroupTable([path]).format(
      [{ flow: flow(init), ingress: 1, egress: 0, unknown: 0 }],
      0,
    );
    expect(lines[1]).toBe(`    1        1       0        0  ${text}`);
  });
});

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  clickhouseTable,
  decodeEvent,
  decodeExport,
  type EncodedEvent,
  encodeEvent,
  FLOW_COLUMNS,
  flattenEvent,
  type RefusedEventsError,
} from "../../../src/observer/index.js";
import { openHttpSink } from "../../../src/sink/http/index.js";
import { describeWithPrograms, sharedPath } from "../../support/shared.js";
import { type ClickhouseServer, startClickhouse } from "./clickhouse-server.js";
import { eventOf } from "./http-server.js";

/** Types that the release of Debian, 18.16, does not have. */
const TYPES = { time: "String", enum: "String" };
describeWithPrograms("openHttpSink: ClickHouse", ["clickhouse-server"], () => {
  let server: ClickhouseServer;
  beforeAll(async () => {
    server = await startClickhouse();
  });
  afterAll(() => server.close());

  async function openTable(table: string, options: Parameters<typeof openHttpSink>[1] = {}) {
    await server.query(clickhouseTable(FLOW_COLUMNS, { table, types: TYPES, partitionBy: "" }));
    const query = encodeURIComponent(`INSERT INTO ${table} FORMAT JSONEachRow`);
    return openHttpSink(`${server.url}?query=${query}`, { row: flattenEvent, ...options });
  }

  test("stores recorded flows with all their columns", async () => {
    const events: EncodedEvent[] = [];
    for (const name of ["330-dns", "348-http", "400-tcp"]) {
      const lines = readFileSync(sharedPath("flows", `basic-sample-${name}-flows.json`), "utf8");
      for await (const event of decodeExport(lines)) events.push(encodeEvent(event));
    }
    await using sink = await openTable("recorded", { gzip: true, maxBodyBytes: 300_000 });
    await sink.write(events);
    expect(await server.query("SELECT count() FROM recorded")).toBe(String(events.length));
    const rows = (await server.query("SELECT * FROM recorded FORMAT JSONEachRow")).split("\n");
    const stored = rows.map((row) => canonical(JSON.parse(row)));
    const sent = events.map((event) => canonical(flattenEvent(decodeEvent(event))));
    expect(stored.sort()).toEqual(sent.sort());
  });

  test("refuses the rows that ClickHouse refuses, and stores all others", async () => {
    await using sink = await openTable("refusing", {
      // This release answers 500 to rows that it cannot parse; newer ones answer 400.
      refusedStatuses: [400, 500],
      row: (event) => {
        const row = flattenEvent(event);
        return row.uuid === "bad" ? { ...row, source_port: "eighty" } : row;
      },
    });
    const events = ["1", "2", "bad", "3"].map((uuid) => eventOf(uuid));
    const error = (await sink.write(events).catch((thrown: unknown) => thrown)) as RefusedEventsError;
    expect(error.refused.map(({ event }) => event.uuid)).toEqual(["bad"]);
    expect(error.refused[0]?.reason).toContain("source_port");
    expect(await server.query("SELECT groupArray(uuid) FROM (SELECT uuid FROM refusing ORDER BY uuid)")).toBe(
      "['1','2','3']",
    );
  });

  test("a missing table is a failure that may be repeated", async () => {
    const query = encodeURIComponent("INSERT INTO missing FORMAT JSONEachRow");
    await using sink = await openHttpSink(`${server.url}?query=${query}`, { row: flattenEvent });
    await expect(sink.write([eventOf("1")])).rejects.toMatchObject({ code: "sink_failed" });
  });
});

/** A row without default values. ClickHouse quotes 64-bit integers, and has numbers for booleans. */
function canonical(row: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(row).map(([name, value]) => {
    const isInteger = FLOW_COLUMNS[name as keyof typeof FLOW_COLUMNS].type === "uint64";
    return [name, isInteger || typeof value === "boolean" ? Number(value) : value] as const;
  });
  const isDefault = (value: unknown) => value === null || value === "" || value === 0;
  return JSON.stringify(
    values.filter(([, value]) => !isDefault(value) && !(Array.isArray(value) && value.length === 0)).sort(),
  );
}

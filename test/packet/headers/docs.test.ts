import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Announcement, ENCAPSULATION_LIST } from "../../../src/packet/headers/encapsulations.js";
import { LINK_TYPE_LIST, type LinkType } from "../../../src/packet/headers/link-types.js";
import { repository } from "../../support/run.js";

const page = readFileSync(join(repository, "docs/packets-to-flows.md"), "utf8");

/** The rows of the table that begins with a header. */
function rowsBelow(header: string): readonly string[] {
  const lines = page.split("\n");
  const start = lines.indexOf(header);
  if (start < 0) throw new Error(`docs/packets-to-flows.md has no table ${header}`);
  const rest = lines.slice(start + 2);
  return rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith("|")),
  );
}

function describeText({ text, header }: LinkType): string {
  if (text.kind === "instead")
    return text.expression === "" ? "all packets (empty)" : `\`${text.expression}\``;
  return text.also !== undefined || header.kind === "etherType" ? "more" : "exact";
}

function describeAnnouncement(announcement: Announcement): string {
  if (typeof announcement !== "number") return `a length (${announcement.join(" to ")})`;
  return `0x${announcement.toString(16).padStart(4, "0")}`;
}

function describeMost(most: number): string {
  if (most === 0) return "not entered";
  return most === Number.POSITIVE_INFINITY ? "any number" : String(most);
}

function describeAll(announcements: readonly Announcement[]): string {
  return announcements.length === 0 ? "–" : announcements.map(describeAnnouncement).join(", ");
}

test("docs/packets-to-flows.md lists the link types of the table", () => {
  expect(rowsBelow("| link type | numbers | expression | eBPF |")).toEqual(
    LINK_TYPE_LIST.map((row) => {
      const kernel = row.kernel === "not captured" ? "–" : "yes";
      return `| ${row.name} | ${row.numbers.join(", ")} | ${describeText(row)} | ${kernel} |`;
    }),
  );
});

test("docs/packets-to-flows.md lists the encapsulations of the table", () => {
  expect(
    rowsBelow("| header | EtherTypes | PPP protocols | in filters | in flows | expression on Ethernet |"),
  ).toEqual(
    ENCAPSULATION_LIST.map(({ name, etherTypes, pppProtocols, most, text }) => {
      const expression = [
        ...(text.keyword === undefined ? [] : [`\`${text.keyword.name}\``]),
        ...(text.matchAll.length === 0 ? [] : [`all with \`${text.matchAll.join("`, `")}\``]),
      ].join("; ");
      const numbers = `${describeAll(etherTypes)} | ${describeAll(pppProtocols)}`;
      const limits = `${describeMost(most.filters)} | ${describeMost(most.flows)}`;
      return `| ${name} | ${numbers} | ${limits} | ${expression || "–"} |`;
    }),
  );
});

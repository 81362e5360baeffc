import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileLabelSelectors } from "../../../src/filter/labels/index.js";
import { describeWithShared, sharedPath } from "../../support/shared.js";

const FIELDS = ["source_label", "destination_label", "node_labels"] as const;
type Filter = Partial<Record<string, string[]>>;

interface Vector {
  id: string;
  allow: Filter[];
  deny: Filter[];
  flow?: {
    source?: { labels?: string[] };
    destination?: { labels?: string[] };
    node_labels?: string[];
  } | null;
  expect: boolean | "error";
  error?: string;
}

describeWithShared("answers of Hubble v1.16.2", () => {
  const vectors = readFileSync(sharedPath("vectors", "flow-filters.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Vector => JSON.parse(line))
    .filter(({ allow, deny }) => {
      const fields = [...allow, ...deny].flatMap(Object.keys);
      return fields.length > 0 && fields.every((field) => FIELDS.some((known) => known === field));
    });

  test("agrees with Hubble on all lines with labels only, including error messages", () => {
    expect(vectors.length).toBeGreaterThan(1500);
    const differences = vectors.filter((vector) => {
      const answer = evaluate(vector);
      return answer !== (vector.expect === "error" ? vector.error : vector.expect);
    });
    expect(differences.map(({ id }) => id)).toEqual([]);
  });
});

function evaluate({ allow, deny, flow }: Vector): boolean | string {
  const labels = {
    source_label: flow?.source?.labels,
    destination_label: flow?.destination?.labels,
    node_labels: flow?.node_labels,
  };
  const names = { source_label: "source", destination_label: "destination", node_labels: "node" };
  const compile = (filter: Filter) => {
    const parts = FIELDS.filter((field) => (filter[field]?.length ?? 0) > 0).map((field) => {
      try {
        return { field, matches: compileLabelSelectors(filter[field] ?? []) };
      } catch (error) {
        throw new Error(`invalid ${names[field]} label filter: ${(error as Error).message}`);
      }
    });
    return () => parts.every(({ field, matches }) => matches(labels[field]));
  };
  try {
    const allowed = allow.map(compile);
    const denied = deny.map(compile);
    return (
      (allowed.length === 0 || allowed.some((matches) => matches())) && !denied.some((matches) => matches())
    );
  } catch (error) {
    return (error as Error).message;
  }
}

import { describe, expect, test } from "vitest";
import { compileLabelSelector } from "../../../src/filter/labels/index.js";
import { compileIgnoresLabel, RelevantLabels } from "../../../src/filter/labels/relevant-labels.js";
import { StringCache } from "../../../src/message/wire/string-cache.js";

const encode = (text: string) => new TextEncoder().encode(text);

function ignoresOf(selector: string) {
  return compileIgnoresLabel(compileLabelSelector(selector).requirements);
}

describe("compileIgnoresLabel", () => {
  test.each([
    { selector: "k8s:app=web", label: "k8s:app=web", ignored: false },
    { selector: "k8s:app=web", label: "k8s:app=db", ignored: false },
    { selector: "k8s:app", label: "k8s:app", ignored: false },
    { selector: "k8s:app", label: "k8s:apple=1", ignored: true },
    { selector: "k8s:app", label: "k8s:ap", ignored: true },
    { selector: "k8s:app", label: "k8s:tier=app", ignored: true },
    { selector: "app in (a,b),!tier", label: "k8s:tier=x", ignored: false },
    { selector: "app in (a,b),!tier", label: "k8s:name=x", ignored: true },
    { selector: "reserved:host", label: "k8s:host", ignored: true },
    { selector: "cidr:10.0.0.0/8", label: "k8s:10.0.0.0/8", ignored: true },
    { selector: "container:app", label: "k8s:app=web", ignored: true },
    { selector: "k8s:app", label: "container:app=web", ignored: false },
    { selector: "k8s:app", label: "reserved:host", ignored: false },
    { selector: "k8s:app", label: "$host", ignored: false },
    { selector: "k8s:app", label: "k8s:", ignored: false },
    { selector: "k8s:app", label: "", ignored: false },
  ])("of $selector is $ignored for the label $label", ({ selector, label, ignored }) => {
    const bytes = encode(`xx${label}=yy`);
    expect(ignoresOf(selector)(bytes, 2, bytes.length - 5)).toBe(ignored);
  });
});

describe("RelevantLabels", () => {
  const read = (labels: RelevantLabels, texts: readonly string[]) =>
    texts.map((text) => labels.read(encode(text), 0, encode(text).length));

  test("reads labels that a selector refers to, and empty strings for others", () => {
    const labels = new RelevantLabels(new StringCache(0), ignoresOf("k8s:app=web"));
    expect(read(labels, ["k8s:app=web", "k8s:tier=x", "reserved:host"])).toEqual([
      "k8s:app=web",
      "",
      "reserved:host",
    ]);
  });

  test.each([
    { read: 2, ignored: 10, suffice: true },
    { read: 2, ignored: 11, suffice: false },
    { read: 1, ignored: 40, suffice: true },
    { read: 13, ignored: 0, suffice: false },
  ])(
    "suffice is $suffice after $read labels were read and $ignored ignored",
    ({ read: count, ignored, suffice }) => {
      const labels = new RelevantLabels(new StringCache(0), ignoresOf("k8s:app=web"));
      read(labels, [
        ...Array.from({ length: count }, () => "k8s:app=a"),
        ...Array.from({ length: ignored }, () => "k8s:b=a"),
      ]);
      expect(labels.suffice).toBe(suffice);
      labels.reset();
      expect(labels.suffice).toBe(true);
    },
  );
});

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilters } from "../../../src/filter/index.js";
import {
  compileLabelSelector,
  compileLabelSelectors,
  compileLabelTraces,
} from "../../../src/filter/labels/index.js";
import { INDEX_SIZE } from "../../../src/filter/list-index/compile-group.js";
import type { HubbleVersion } from "../../../src/hubble/version.js";
import { FlowSchema } from "../../../src/proto.js";

const WEB = ["k8s:app=web", "k8s:tier=front", "k8s:version=3"];

describe("compileLabelSelector", () => {
  test.each<[selector: string, labels: readonly string[] | undefined, matches: boolean]>([
    ["", undefined, true],
    ["", [], true],
    ["", WEB, true],
    ["app", undefined, false],
    ["app", [], false],
    ["!app", undefined, true],
    ["app!=web", [], true],
    ["app notin (web)", [], true],
    ["app=", [], false],
    ["app in ()", [], false],
    ["app>0", [], false],
    ["app=web", WEB, true],
    ["app==web", WEB, true],
    ["app=we", WEB, false],
    ["app=webb", WEB, false],
    ["app=Web", WEB, false],
    ["App=web", WEB, false],
    ["ap=web", WEB, false],
    ["appp=web", WEB, false],
    ["k8s:app=web", WEB, true],
    ["any:app=web", WEB, true],
    ["unspec:app=web", WEB, true],
    ["container:app=web", WEB, false],
    ["k8s:app=web", ["any:app=web"], false],
    ["k8s:app=web", ["app=web"], false],
    ["app=web", ["app=web"], true],
    ["app=web", [":app=web"], true],
    ["app=web,tier=front", WEB, true],
    ["app=web,tier=back", WEB, false],
    ["app in (web,api)", WEB, true],
    ["app in (api)", WEB, false],
    ["app notin (web)", WEB, false],
    ["app notin (api)", WEB, true],
    ["app!=web", WEB, false],
    ["app!=api", WEB, true],
    ["!app", WEB, false],
    ["!none", WEB, true],
    ["!container:app", WEB, true],
    ["app=", ["k8s:app"], true],
    ["app=", ["k8s:app="], true],
    ["app=", WEB, false],
    ["app in ()", ["k8s:app"], true],
    ["app in (,web)", ["k8s:app"], true],
    ["version>2", WEB, true],
    ["version>3", WEB, false],
    ["version<4", WEB, true],
    ["version<3", WEB, false],
    ["version>2", ["k8s:version=03"], true],
    ["version>2", ["k8s:version=+3"], true],
    ["version<2", ["k8s:version=-3"], true],
    ["version>2", ["k8s:version=3.0"], false],
    ["version>2", ["k8s:version=9223372036854775808"], false],
    ["version>9007199254740992", ["k8s:version=9007199254740993"], true],
    ["version<2", ["k8s:version="], false],
    // The first colon of a label ends its source, at any position.
    ["app", ["app=a:b"], false],
    ["b", ["app=a:b"], true],
    ["b=c", ["app=a:b=c"], true],
    // A dot in a selector is not a source's.
    ["k8s.app=web", WEB, false],
    ["k8s.app=web", ["k8s:k8s.app=web"], true],
    ["reserved:host", ["reserved:host"], true],
    ["reserved:host", ["$host"], true],
    ["reserved:host", ["reserved.host"], true],
    ["reserved:host", ["reserved:=host"], true],
    ["reserved:host", ["$=host"], true],
    ["reserved:host", ["reserved:=host=x"], false],
    ["reserved:host", ["reserved:host=x"], true],
    ["reserved:host", [":host"], false],
    ["reserved:host", ["host"], false],
    ["reserved:host", ["k8s:host"], false],
    ["reserved:host", ["unserved:host"], false],
    ["host", ["$host"], true],
    ["host", ["reserved:=host"], true],
    ["host", ["reserved.host"], true],
    ["host", ["reserved.host:x"], false],
    ["reserved.host", ["reserved.host"], false],
    ["reserved.host", ["k8s:reserved.host"], true],
    ["!reserved:host", ["$host"], false],
    ["k8s:app", ["$k8s:app"], false],
    ["k8s:app", ["a-source-of-many-characters:app", "k8s:app"], true],
    ["app", ["a-source-of-many-characters:app"], true],
    ["a-source-of-many-characters:app", ["a-source-of-many-characters:app"], true],
    // Only the first label with the key counts.
    ["app=a", ["k8s:app=a", "container:app=b"], true],
    ["app=b", ["k8s:app=a", "container:app=b"], false],
    ["app!=a", ["k8s:app=a", "container:app=b"], false],
    ["app!=b", ["k8s:app=a", "container:app=b"], true],
    ["container:app=b", ["k8s:app=a", "container:app=b"], true],
    ["k8s:app=b", ["k8s:app=a", "k8s:app=b"], false],
    // Prefixes.
    ["cidr:10.0.0.0/8", ["cidr:10.1.0.0/16"], true],
    ["cidr:10.0.0.0/8", ["cidr:10.0.0.0/8"], true],
    ["cidr:10.1.0.0/16", ["cidr:10.0.0.0/8"], false],
    ["cidr:10.1.2.3/8", ["cidr:10.9.9.9/32"], true],
    ["cidr:10.0.0.0/8", ["cidr:11.0.0.0/8"], false],
    ["cidr:10.0.0.0/8", ["k8s:10.1.0.0/16"], false],
    ["10.0.0.0/8", ["cidr:10.1.0.0/16"], false],
    ["10.0.0.0/8", ["cidr:10.0.0.0/8"], true],
    ["cidr:10.0.0.0/08", ["cidr:10.0.0.0/8"], false],
    ["cidr:10.0.0.0/08", ["cidr:10.0.0.0/08"], true],
    ["cidr:10.0.0.0/33", ["cidr:10.0.0.0/33"], true],
    ["cidr:10.0.0.0/33", ["cidr:10.0.0.0/8"], false],
    ["cidr:10.0.0.1", ["cidr:10.0.0.1"], true],
    ["cidr:foo", ["cidr:foo"], true],
    ["cidr:foo", ["cidr:bar"], false],
    ["cidr:0.0.0.0/0", ["cidr:192.168.1.1/32"], true],
    ["cidr:0.0.0.0/0", ["cidr:2001-db8--1/128"], false],
    ["cidr:0--0/0", ["cidr:2001-db8--1/128"], true],
    ["cidr:0--0/0", ["cidr:2001:db8::1/128"], true],
    ["cidr:0--0/0", ["cidr:10.0.0.0/8"], false],
    // To net/netip, which labels use, an IPv4-mapped address is IPv6.
    ["cidr:0--0/0", ["cidr:--ffff-10.0.0.1/128"], true],
    ["cidr:10.0.0.0/8", ["cidr:--ffff-10.0.0.1/128"], false],
    ["cidr:0--ffff-10.0.0.0/104", ["cidr:--ffff-10.0.0.1/128"], true],
    ["cidr:0--ffff-10.0.0.0/104", ["cidr:10.0.0.1/32"], false],
    ["cidr:0--ffff-10.0.0.0/64", ["cidr:0--1/128"], true],
    ["!cidr:10.0.0.0/8", ["cidr:10.1.0.0/16"], false],
    ["!cidr:10.0.0.0/8", ["cidr:foo"], true],
    ["cidr:10.0.0.0/8=x", ["cidr:10.1.0.0/16=x"], true],
    // Of several prefixes the first in byte order of the keys counts, not the first of the event.
    ["cidr:10.0.0.0/8=x", ["cidr:10.2.0.0/16=y", "cidr:10.1.0.0/16=x"], true],
    ["cidr:10.0.0.0/8=y", ["cidr:10.2.0.0/16=y", "cidr:10.1.0.0/16=x"], false],
  ])("%j on %j: %s", (selector, labels, matches) => {
    expect(compileLabelSelectors([selector])(labels)).toBe(matches);
  });
});

describe("compileLabelSelectors", () => {
  test("matches if any selector matches", () => {
    const matches = compileLabelSelectors(["app=api", "tier=front"]);
    expect(matches(WEB)).toBe(true);
    expect(matches(["k8s:app=api"])).toBe(true);
    expect(matches(["k8s:app=db"])).toBe(false);
  });

  test("never matches with an empty list", () => {
    expect(compileLabelSelectors([])(WEB)).toBe(false);
  });

  test("accepts compiled selectors", () => {
    expect(compileLabelSelectors([compileLabelSelector("app=web")])(WEB)).toBe(true);
  });

  test("reports the first invalid selector", () => {
    expect(() => compileLabelSelectors(["app", "a b", "c d"])).toThrow(/found 'b'/);
  });
});

describe("compileLabelTraces", () => {
  const trace = (texts: readonly string[], labels?: readonly string[]) =>
    compileLabelTraces(texts.map((text) => compileLabelSelector(text)))(labels);

  test("names the decisive label", () => {
    expect(trace(["k8s:app in (web,api),!tier, none!=x"], WEB)).toEqual([
      {
        selector: "k8s:app in (web,api),!tier, none!=x",
        holds: false,
        requirements: [
          { requirement: "k8s:app in (api,web)", label: "k8s:app=web", holds: true },
          { requirement: "!tier", label: "k8s:tier=front", holds: false },
          { requirement: "none!=x", label: undefined, holds: true },
        ],
      },
    ]);
  });

  test("has every selector, also the empty one", () => {
    expect(trace(["app=db", "", "version>2"], WEB)).toEqual([
      {
        selector: "app=db",
        holds: false,
        requirements: [{ requirement: "app=db", label: "k8s:app=web", holds: false }],
      },
      { selector: "", holds: true, requirements: [] },
      {
        selector: "version>2",
        holds: true,
        requirements: [{ requirement: "version>2", label: "k8s:version=3", holds: true }],
      },
    ]);
  });

  test("works without labels", () => {
    expect(trace(["app"])[0]?.requirements).toEqual([{ requirement: "app", label: undefined, holds: false }]);
  });

  test.each([
    { name: "of one value, the first in byte order", labels: ["cidr:10.2.0.0/16=x", "cidr:10.1.0.0/16=x"] },
    { name: "of several values", labels: ["cidr:10.2.0.0/16=y", "cidr:10.1.0.0/16=x"] },
  ])("names the matching label among several prefixes $name", ({ labels }) => {
    expect(trace(["cidr:10.0.0.0/8=x"], labels)[0]?.requirements).toEqual([
      { requirement: "cidr:10.0.0.0/8=x", label: "cidr:10.1.0.0/16=x", holds: true },
    ]);
  });
});

describe("compileLabelSelector: labels of source cidr in 1.19", () => {
  test.each<[selector: string, labels: readonly string[], before: boolean, after: boolean]>([
    ["cidr:foo", ["cidr:foo"], true, false],
    ["!cidr:foo", ["cidr:foo"], false, true],
    ["cidr:foo=a", ["cidr:foo=a"], true, false],
    ["cidr:10.0.0.1", ["cidr:10.0.0.1"], true, false],
    ["cidr:10.0.0.0/33", ["cidr:10.0.0.0/33"], true, false],
    ["cidr:10.0.0.0/08", ["cidr:10.0.0.0/08"], true, false],
    ["cidr:foo", ["k8s:foo"], false, false],
    ["foo", ["cidr:foo"], true, true],
    ["10.0.0.0/8", ["cidr:10.0.0.0/8"], true, true],
    ["k8s:foo", ["k8s:foo"], true, true],
    ["cidr:10.0.0.0/8", ["cidr:10.1.0.0/16"], true, true],
    ["cidr:10.0.0.0/8", ["cidr:foo"], false, false],
  ])("%j holds for %j: %s in 1.16, %s in 1.19", (text, labels, before, after) => {
    const resultOf = (version: HubbleVersion) => {
      const filter = { sourceLabel: [text] };
      const flow = create(FlowSchema, { source: { labels: [...labels] } });
      // So many filters that they are indexed by label.
      const others = Array.from({ length: INDEX_SIZE }, (_, index) => ({ sourceLabel: [`other-${index}`] }));
      return [[filter], [...others, filter]].map((allow) =>
        compileFlowFilters({ allow }, { hubble: version })(flow),
      );
    };
    expect(resultOf("1.16")).toEqual([before, before]);
    expect(resultOf("1.19")).toEqual([after, after]);
  });
});

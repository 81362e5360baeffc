import { describe, expect, test } from "vitest";
import type { FilterField } from "../../../src/filter/field.js";
import { FILTER_FIELDS } from "../../../src/filter/index.js";
import { HUBBLE_VERSIONS } from "../../../src/hubble/version.js";
import type { FilterFlagName } from "../../../src/observer/flags/flow-flags.js";
import { FLAGS_OF_FIELDS, flagsOfFields, parseFlowFlags } from "../../../src/observer/flags/index.js";

const TEXT = "a";
const NUMBER = "1";
const ADDRESS = "10.0.0.1";

/** A valid value of each flag. */
const VALUES: { readonly [K in FilterFlagName]: string } = {
  uuid: TEXT,
  "node-name": TEXT,
  "node-label": TEXT,
  cluster: TEXT,
  "from-cluster": TEXT,
  "to-cluster": TEXT,
  "ip-trace-id": NUMBER,
  encrypted: "true",
  unencrypted: "true",
  protocol: "tcp",
  "tcp-flags": "SYN",
  type: "l7",
  verdict: "DROPPED",
  "drop-reason-desc": "POLICY_DENIED",
  "http-status": "404",
  "http-method": "GET",
  "http-path": TEXT,
  "http-url": TEXT,
  "http-header": "a:b",
  "trace-id": TEXT,
  "from-fqdn": TEXT,
  fqdn: TEXT,
  "to-fqdn": TEXT,
  "from-ip": ADDRESS,
  ip: ADDRESS,
  "to-ip": ADDRESS,
  "snat-ip": ADDRESS,
  ipv4: "v4",
  ipv6: "v6",
  "ip-version": "v4",
  "from-pod": TEXT,
  pod: TEXT,
  "to-pod": TEXT,
  "from-namespace": TEXT,
  namespace: TEXT,
  "to-namespace": TEXT,
  "from-all-namespaces": "true",
  "all-namespaces": "true",
  "to-all-namespaces": "true",
  "from-label": TEXT,
  label: TEXT,
  "to-label": TEXT,
  "from-service": TEXT,
  service: TEXT,
  "to-service": TEXT,
  "from-port": NUMBER,
  port: NUMBER,
  "to-port": NUMBER,
  "from-workload": TEXT,
  workload: TEXT,
  "to-workload": TEXT,
  "from-identity": NUMBER,
  identity: NUMBER,
  "to-identity": NUMBER,
  "traffic-direction": "ingress",
  "cel-expression": "true",
  interface: TEXT,
};

describe.each(HUBBLE_VERSIONS)("flagsOfFields(%j)", (hubble) => {
  const flagsOf = (field: FilterField): readonly string[] => {
    const flags = flagsOfFields(hubble)[field];
    return flags === "none" ? [] : flags;
  };

  test.each(Object.entries(VALUES))("lists exactly the fields that --%s sets", (flag, value) => {
    const { allow } = parseFlowFlags([`--${flag}=${value}`], { hubble });
    const set = FILTER_FIELDS.filter((field) =>
      allow.some((filter) => {
        const content = filter[field];
        return Array.isArray(content) ? content.length > 0 : content !== undefined;
      }),
    );
    const listed = FILTER_FIELDS.filter((field) => flagsOf(field).includes(flag));
    expect(set).toEqual(listed);
  });

  test("lists no unknown flag", () => {
    for (const field of FILTER_FIELDS) {
      for (const flag of flagsOf(field)) expect(Object.keys(VALUES)).toContain(flag);
    }
  });
});

test("FLAGS_OF_FIELDS: are the flags of 1.16", () => {
  expect(FLAGS_OF_FIELDS).toBe(flagsOfFields("1.16"));
  expect(FLAGS_OF_FIELDS.nodeName).toEqual(["node-name", "cluster"]);
});

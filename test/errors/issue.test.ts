import { describe, expect, test } from "vitest";
import { issueOf } from "../../src/errors/issue.js";
import { checkFlowFilters, type FlowFilterInit } from "../../src/filter/index.js";

describe("issueOf", () => {
  test("keeps strings of reasonable length", () => {
    const issue = { path: "p".repeat(1000), message: "m".repeat(4000) };
    expect(issueOf(issue.path, issue.message)).toEqual(issue);
  });

  test("omits the middle of long strings", () => {
    const { path, message } = issueOf("p".repeat(1001), `a${"m".repeat(1_000_000)}z`);
    expect(path).toBe(`${"p".repeat(700)}…${"p".repeat(300)}`);
    expect(message).toBe(`a${"m".repeat(2999)}…${"m".repeat(999)}z`);
  });
});

describe("issues of filters", () => {
  const huge = "x".repeat(1_000_000);

  test.each<{ name: string; filter: unknown; start: string; end: string }>([
    {
      name: "address",
      filter: { sourceIp: [huge] },
      start: 'invalid IP address in filter: "xxx',
      end: 'xxx"',
    },
    {
      name: "prefix",
      filter: { sourceIp: [`${huge}/8`] },
      start: 'invalid CIDR in filter: "xxx',
      end: 'x/8"',
    },
    {
      name: "port",
      filter: { sourcePort: [huge] },
      start: 'invalid source port filter: invalid port "xxx',
      end: 'xxx": invalid syntax',
    },
    {
      name: "protocol",
      filter: { protocol: [huge] },
      start: 'invalid protocol filter: unknown protocol: "xxx',
      end: 'xxx"',
    },
    {
      name: "status code",
      filter: { httpStatusCode: [huge] },
      start: 'invalid http status code filter: invalid status code prefix: "xxx',
      end: 'xxx"',
    },
    {
      name: "value of a label",
      filter: { sourceLabel: [`app=${huge}`] },
      start:
        'invalid source label filter: unable to parse requirement: values[0][any.app]: Invalid value: "xxx',
      end: 'xxx": must be no more than 63 characters',
    },
    {
      name: "token of a label selector",
      filter: { sourceLabel: [`app ${huge}`] },
      start: "invalid source label filter: unable to parse requirement: found 'xxx",
      end: "xxx', expected: in, notin, =, ==, !=, gt, lt",
    },
    {
      name: "many values of a label",
      filter: { sourceLabel: [`app in (${Array.from({ length: 5000 }, (_, index) => `v${index}-`)})`] },
      start: "invalid source label filter: unable to parse requirement: [values[0][any.app]: Invalid value:",
      end: "')]",
    },
    {
      name: "number",
      filter: { ipTraceId: [10n ** 100_000n] },
      start: "must be an integer from 0 to 18446744073709551615, not 1000",
      end: "000n",
    },
  ])("quote part of a huge $name", ({ filter, start, end }) => {
    const issues = checkFlowFilters({ allow: [filter as FlowFilterInit] });
    expect(issues).toHaveLength(1);
    const [{ message } = { message: "" }] = issues;
    expect(message.startsWith(start)).toBe(true);
    expect(message.endsWith(end)).toBe(true);
    expect(message).toHaveLength(4001);
  });

  test.each([
    { name: "field", lists: { allow: [{ [huge]: 1 }] } },
    { name: "list", lists: { [huge]: [] } },
    { name: "enum value", lists: { allow: [{ verdict: [huge] }] } },
    { name: "pattern of a name", lists: { allow: [{ nodeName: [`a${huge}!`] }] } },
    { name: "regular expression", lists: { allow: [{ dnsQuery: [`${huge}(`] }] } },
  ])("quote part of a huge $name", ({ lists }) => {
    const issues = checkFlowFilters(lists as object);
    expect(issues.length).toBeGreaterThan(0);
    for (const { path, message } of issues) {
      expect(path.length).toBeLessThanOrEqual(1001);
      expect(message.length).toBeLessThanOrEqual(4001);
    }
  });

  test("quote a thousand code units in full", () => {
    const text = "x".repeat(1000);
    expect(checkFlowFilters({ allow: [{ sourceIp: [text], sourcePort: [text] }] })).toEqual([
      { path: "allow[0].source_ip[0]", message: `invalid IP address in filter: "${text}"` },
      {
        path: "allow[0].source_port[0]",
        message: `invalid source port filter: invalid port "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
      },
    ]);
  });
});

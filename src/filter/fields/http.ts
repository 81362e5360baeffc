import type { Flow, HTTP } from "../../gen/flow/flow_pb.js";
import type { GoRelease } from "../../go/release.js";
import { compileEqualFold, goFold } from "../../go/strings.js";
import { requestPath } from "../../go/url.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { compileRegexes, type RegexOptions, requiredEnds } from "../../regex/regex.js";
import { isFlow } from "../event.js";
import type { FieldCompiler, FieldContext, FieldTest } from "../field.js";
import { statusIndex } from "../list-index/code-index.js";
import {
  alternativesKey,
  exactKey,
  type FlowIndex,
  INDEX_COST,
  type IndexKey,
} from "../list-index/flow-index.js";
import { endConditions, type NamePart, textIndex } from "../list-index/name-index.js";
import { pairIndex, valueIndex } from "../list-index/value-index.js";
import { compileHttpStatuses, type HttpStatusPattern, parseHttpStatus } from "../pattern/http-status.js";

/** `MessageTypeAccessLog`: layer 7 events. */
const L7_EVENT = 129;

/** Returns the HTTP record of a flow. */
function httpOf(flow: Flow): HTTP | undefined {
  const record = flow.l7?.record;
  return record?.case === "http" ? record.value : undefined;
}

/** Rejects an HTTP field combined with event types that exclude layer 7 events. Its values are checked as well. */
function checkEventTypes({ filter, report }: FieldContext, what: string): void {
  const { eventType } = filter;
  if (eventType.length === 0 || eventType.some(({ type }) => type === L7_EVENT)) return;
  report(`filtering by ${what} requires the event type filter to only match 'l7' events`);
}

const byStatus = statusIndex(INDEX_COST.code, (flow) => httpOf(flow)?.code);
const byMethod = valueIndex(INDEX_COST.enumeration, (flow) => {
  const method = httpOf(flow)?.method;
  return method === undefined || method === "" ? undefined : goFold(method);
});
const byHeader = pairIndex(
  INDEX_COST.header,
  (flow) => httpOf(flow)?.headers,
  ({ key }) => key,
  ({ value }) => value,
);

function readUrl(flow: Flow): string | undefined {
  return httpOf(flow)?.url || undefined;
}

function readQuery(flow: Flow): string | undefined {
  const record = flow.l7?.record;
  return record?.case === "dns" ? record.value.query : undefined;
}

function pathsOf(release: GoRelease) {
  const read = (flow: Flow) => {
    const url = httpOf(flow)?.url;
    return url === undefined || url === "" ? undefined : requestPath(url, release);
  };
  return { read, index: textIndex(INDEX_COST.pattern, read) };
}

/** How the path of a flow is read and indexed. */
const PATHS: { readonly [K in HubbleRules["urlHosts"]]: ReturnType<typeof pathsOf> } = {
  "go1.23": pathsOf("go1.23"),
  "go1.26": pathsOf("go1.26"),
};

const byUrl = textIndex(INDEX_COST.pattern, readUrl);
const byQuery = textIndex(INDEX_COST.pattern, readQuery);

/** The status code, or its leading digits followed by `+` (pkg/hubble/filters/http.go, like all HTTP fields). */
export const httpStatusCode: FieldCompiler<"httpStatusCode"> = (values, context) => {
  checkEventTypes(context, "http status code");
  const patterns: HttpStatusPattern[] = [];
  values.forEach((text, index) => {
    const pattern = parseHttpStatus(text);
    if (typeof pattern === "string") context.report(`invalid http status code filter: ${pattern}`, index);
    else patterns.push(pattern);
  });
  if (patterns.length < values.length) return undefined;
  const isWanted = compileHttpStatuses(patterns);
  return {
    matches: (flow) => {
      const code = httpOf(flow)?.code;
      return code !== undefined && code !== 0 && isWanted(code);
    },
    seen: (event) => (isFlow(event) ? httpOf(event)?.code : undefined),
    reads: ["l7.http.code"],
    cost: "cheap",
    key: exactKey(byStatus, patterns),
  };
};

/** The method, case-insensitive under Unicode simple case folding. */
export const httpMethod: FieldCompiler<"httpMethod"> = (values, context) => {
  checkEventTypes(context, "http method");
  const isWanted = compileMethods(values);
  return {
    matches: (flow) => {
      const method = httpOf(flow)?.method;
      return method !== undefined && method !== "" && isWanted(method);
    },
    seen: (event) => (isFlow(event) ? httpOf(event)?.method : undefined),
    reads: ["l7.http.method"],
    cost: "cheap",
    key: exactKey(byMethod, values.map(goFold)),
  };
};

/** The minimum number of methods for which one lookup of the folded method is faster than comparing with each. */
const MANY_METHODS = 9;

function compileMethods(values: readonly string[]): (method: string) => boolean {
  if (values.length >= MANY_METHODS) {
    const folded = new Set(values.map(goFold));
    return (method) => folded.has(goFold(method));
  }
  const tests = values.map(compileEqualFold);
  return (method) => {
    for (let index = 0; index < tests.length; index++) if (tests[index]!(method)) return true;
    return false;
  };
}

/** A pattern that must occur in the decoded path of a URL that `url.ParseRequestURI` accepts. */
export const httpPath: FieldCompiler<"httpPath"> = (values, context) => {
  checkEventTypes(context, "http path");
  const { read, index } = PATHS[context.rules.urlHosts];
  return compilePatterns(
    values,
    context,
    "invalid http path filter: ",
    true,
    read,
    index,
    "l7.http.url",
    // A path is a substring of its URL, and caching it would keep the whole URL in memory.
    { memoEntries: 0 },
  );
};

/** A pattern that must occur in the URL, which is not decoded. */
export const httpUrl: FieldCompiler<"httpUrl"> = (values, context) => {
  checkEventTypes(context, "http url");
  return compilePatterns(values, context, "invalid http url filter: ", true, readUrl, byUrl, "l7.http.url");
};

/** A header whose key and value both match exactly, including case. */
export const httpHeader: FieldCompiler<"httpHeader"> = (values, context) => {
  checkEventTypes(context, "http headers");
  return {
    matches: (flow) => {
      const headers = httpOf(flow)?.headers;
      if (headers === undefined) return false;
      for (let index = 0; index < headers.length; index++) {
        const { key, value } = headers[index]!;
        for (let wanted = 0; wanted < values.length; wanted++) {
          if (values[wanted]!.key === key && values[wanted]!.value === value) return true;
        }
      }
      return false;
    },
    seen: (event) => (isFlow(event) ? httpOf(event)?.headers : undefined),
    reads: ["l7.http.headers"],
    cost: "cheap",
    key: exactKey(
      byHeader,
      values.map(({ key, value }) => ({ first: key, second: value })),
    ),
  };
};

/** A pattern that must occur in the queried DNS name, which is not normalized (pkg/hubble/filters/dns.go). */
export const dnsQuery: FieldCompiler<"dnsQuery"> = (values, context) =>
  compilePatterns(
    values,
    context,
    "invalid DNS query filter: failed to compile regexp: ",
    false,
    readQuery,
    byQuery,
    "l7.dns.query",
  );

/** @param quotesPattern Whether Hubble's error text contains the pattern before the fault. */
function compilePatterns(
  values: readonly string[],
  { report, regex, regexBudget, rules }: FieldContext,
  errorPrefix: string,
  quotesPattern: boolean,
  read: (flow: Flow) => string | undefined,
  byText: FlowIndex<NamePart>,
  path: string,
  options: Pick<RegexOptions, "memoEntries"> = {},
): FieldTest | undefined {
  const classes = rules.regexClasses;
  const all = { engine: regex, budget: regexBudget, classes, ...options };
  const found = compileRegexes(values, all, (fault, index) =>
    report(`${errorPrefix}${quotesPattern ? `${values[index]}: ` : ""}${fault.message}`, index),
  );
  if (found === undefined) return undefined;
  let key: IndexKey | undefined;
  let hasKey = false;
  return {
    matches: (flow) => {
      const text = read(flow);
      return text !== undefined && found(text);
    },
    seen: (event) => (isFlow(event) ? read(event) : undefined),
    reads: [path],
    cost: "expensive",
    // Only long lists need it, and it takes as long as parsing the patterns.
    get key() {
      if (!hasKey) key = patternsKey(values, byText, classes);
      hasKey = true;
      return key;
    },
  };
}

function patternsKey(
  patterns: readonly string[],
  byText: FlowIndex<NamePart>,
  classes: GoRelease,
): IndexKey | undefined {
  return alternativesKey(
    byText,
    patterns.map((pattern) => {
      const { prefix, suffix } = requiredEnds(pattern, classes);
      return endConditions(prefix, suffix);
    }),
  );
}

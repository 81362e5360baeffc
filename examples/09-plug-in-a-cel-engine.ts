// CEL expressions can run on an engine of your own: here cel-js, and what then changes.
import { create, type JsonObject, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { FilterError } from "flowscribe";
import { type CelEngine, compileFlowFilter, createCelEngine } from "flowscribe/filter";
import { type Flow, FlowSchema, Verdict, VerdictSchema } from "flowscribe/proto";

/** What is used of cel-js, whose own types (0.8.2) name a file that is not there, and so do not compile. */
interface CelJs {
  parse(
    expression: string,
  ): { readonly isSuccess: true; readonly cst: object } | { readonly isSuccess: false; errors: string[] };
  evaluate(parsed: object, variables: object): unknown;
}

const name: string = "cel-js";
const { parse, evaluate }: CelJs = await import(name);

const verdicts = Object.fromEntries(VerdictSchema.values.map(({ name, number }) => [name, number]));

/** cel-js knows neither messages nor enums: a flow is given as a plain object, and the verdicts as a map. */
const celJsEngine: CelEngine = {
  compile(expression) {
    const parsed = parse(expression);
    if (!parsed.isSuccess) throw new Error(parsed.errors.join("; "));
    return (flow) => evaluate(parsed.cst, { _flow: plain(flow), Verdict: verdicts }) === true;
  },
};

function plain(flow: Flow): JsonObject {
  const options = { useProtoFieldName: true, enumAsInteger: true, alwaysEmitImplicit: true } as const;
  return toJson(FlowSchema, flow, options) as JsonObject;
}

const engines: Readonly<Record<string, CelEngine>> = { flowscribe: createCelEngine(), "cel-js": celJsEngine };

/** A dropped flow to port 80 of the shop, but for what is changed. */
function flow(changes: Exclude<MessageInitShape<typeof FlowSchema>, Flow> = {}): Flow {
  return create(FlowSchema, {
    verdict: Verdict.DROPPED,
    source: { namespace: "shop", labels: ["k8s:app=web"] },
    l4: { protocol: { case: "TCP", value: { destinationPort: 80 } } },
    ...changes,
  });
}

const cases: readonly { readonly expression: string; readonly flow: Flow; readonly why: string }[] = [
  { expression: "_flow.verdict == Verdict.DROPPED", flow: flow(), why: "the same" },
  { expression: "_flow.l4.TCP.destination_port in [80u, 443u]", flow: flow(), why: "the same" },
  { expression: "has(_flow.l4.UDP)", flow: flow(), why: "the same" },
  {
    expression: "_flow.l4.UDP.destination_port == 0u",
    flow: flow(),
    why: "what is not set reads as a default, and is no failure",
  },
  {
    expression: "has(_flow.node_name)",
    flow: flow(),
    why: "an empty text is not set",
  },
  {
    expression: "_flow.source.labels.exists(l, l.startsWith('k8s:app='))",
    flow: flow(),
    why: "there are methods",
  },
  {
    expression: "_flow.l4.TCP.destination_port == 80",
    flow: flow(),
    why: "types are checked before any flow comes: a uint is no int",
  },
  {
    expression: "_flow.source.namspace == 'shop'",
    flow: flow(),
    why: "so are names: a typing error does not wait for ever",
  },
];

for (const { expression, flow, why } of cases) {
  const answers = Object.entries(engines).map(([name, cel]) => `${name} ${answer(expression, flow, cel)}`);
  console.log(`${expression}: ${answers.join(", ")} (${why})`);
}

function answer(expression: string, flow: Flow, cel: CelEngine): string {
  try {
    return String(compileFlowFilter({ experimental: { celExpression: [expression] } }, { cel })(flow));
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return "does not compile";
  }
}

// Its speed: the flow is converted for each expression, and what was parsed is walked anew.
const flows = Array.from({ length: 2000 }, (_, index) => flow({ verdict: 1 + (index % 2) }));
for (const [name, cel] of Object.entries(engines)) {
  const wanted = compileFlowFilter(
    { experimental: { celExpression: ["_flow.verdict == Verdict.DROPPED"] } },
    { cel },
  );
  flows.filter(wanted); // to warm up
  const start = performance.now();
  const matched = flows.filter(wanted).length;
  const nanoseconds = ((performance.now() - start) * 1e6) / flows.length;
  console.log(`${name}: ${matched} of ${flows.length} flows match, ${nanoseconds.toFixed(0)} ns each`);
}

// A flow filter is unit-tested like any function; and it can say why a flow did not pass.
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { compileFlowFilters, explainFlowFilters } from "flowscribe/filter";
import { type Flow, FlowSchema, Verdict } from "flowscribe/proto";

const lists = {
  allow: [{ verdict: [Verdict.DROPPED], destinationPod: ["shop/"], destinationPort: ["80", "443"] }],
  deny: [{ sourceLabel: ["k8s:app=scanner"] }],
};

/** A dropped flow to port 80 of shop/web-0, but for what a test changes. */
function flow(changes: Exclude<MessageInitShape<typeof FlowSchema>, Flow> = {}) {
  return create(FlowSchema, {
    verdict: Verdict.DROPPED,
    source: { namespace: "shop", podName: "cart-1", labels: ["k8s:app=cart"] },
    destination: { namespace: "shop", podName: "web-0" },
    l4: { protocol: { case: "TCP", value: { sourcePort: 40_000, destinationPort: 80 } } },
    ...changes,
  });
}

const wanted = compileFlowFilters(lists);
const cases = [
  { name: "a dropped request to the shop passes", flow: flow(), passes: true },
  { name: "one that was forwarded does not", flow: flow({ verdict: Verdict.FORWARDED }), passes: false },
  {
    name: "nor one to another namespace",
    flow: flow({ destination: { namespace: "shop-2" } }),
    passes: false,
  },
  { name: "nor the scanner's", flow: flow({ source: { labels: ["k8s:app=scanner"] } }), passes: false },
];
for (const { name, flow, passes } of cases) assert.equal(wanted(flow), passes, name);
console.log(`${cases.length} cases hold`);

console.log(String(explainFlowFilters(lists, flow({ verdict: Verdict.FORWARDED }))));

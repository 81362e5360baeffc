// Follows the flows of a Hubble server or Relay: filtered there, filtered further here, resumed after a lost connection.
// Without an address it observes a fake in this process.
//
//   kubectl -n kube-system port-forward service/hubble-relay 4245:80 &
//   npx tsx examples/12-observe-a-hubble.ts localhost:4245
import { formatFlow } from "flowscribe/observer";
import { observe, openTransport, serverStatus } from "flowscribe/rpc";
import { fakeObserver, flow } from "flowscribe/testing";

const [address] = process.argv.slice(2);
const transport = address === undefined ? demo() : openTransport(address); // `tls://relay:443` for TLS

const { version, numFlows, maxFlows } = await serverStatus(transport);
console.log(`${version} holds ${numFlows} of ${maxFlows} flows`);

const controller = new AbortController();
process.once("SIGINT", () => controller.abort(new Error("interrupted")));

const stream = observe(
  transport,
  { number: 20n, follow: address !== undefined, whitelist: [{ destinationPort: ["53", "80"] }] },
  { filter: { deny: [{ sourcePod: ["monitoring/"] }] }, reconnect: true, signal: controller.signal },
);
for await (const { responseTypes } of stream) {
  if (responseTypes.case === "flow") console.log(formatFlow(responseTypes.value).trimEnd());
  if (responseTypes.case === "lostEvents") console.log(`lost: ${responseTypes.value.numEventsLost}`);
}
console.log(stream.stats);

function demo() {
  const time = new Date("2026-01-02T03:04:05Z");
  const observer = fakeObserver({
    flows: [
      flow({ time, from: "default/web", to: "kube-system/dns:53", protocol: "UDP" }),
      flow({ time, from: "monitoring/probe", to: "default/web:80" }),
      flow({ time, from: "world", to: "default/web:80", verdict: "DROPPED" }),
      flow({ time, from: "default/web", to: "api.example.com:443" }),
    ],
  });
  observer.lose(3);
  return observer.transport;
}

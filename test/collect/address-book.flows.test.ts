import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createAddressBook } from "../../src/collect/index.js";
import { decodeExport } from "../../src/observer/index.js";
import { createBatch, createFlowDecoder } from "../../src/packet/index.js";
import type { Endpoint, Flow } from "../../src/proto.js";
import { ethernet, IPV4, ipv4 } from "../packet/build.js";
import { describeWithShared, sharedPath } from "../support/shared.js";

async function flowsOf(...path: string[]): Promise<Flow[]> {
  const bytes = readFileSync(sharedPath(...path));
  const flows: Flow[] = [];
  for await (const event of decodeExport(path.at(-1)!.endsWith(".gz") ? gunzipSync(bytes) : bytes)) {
    if (event.responseTypes.case === "flow") flows.push(event.responseTypes.value);
  }
  return flows;
}

const bookOf = (flows: readonly Flow[]) => {
  const book = createAddressBook();
  for (const flow of flows) book.learn(flow);
  return book;
};

type Book = ReturnType<typeof bookOf>;

/** The ends of a flow whose endpoint says anything. */
function endsOf({ IP, source, destination, sourceService, destinationService, time }: Flow) {
  const ends = [
    { address: IP?.source ?? "", endpoint: source, service: sourceService, time },
    { address: IP?.destination ?? "", endpoint: destination, service: destinationService, time },
  ];
  return ends.filter(({ address, endpoint }) => address !== "" && (endpoint?.identity || endpoint?.podName));
}

const podOf = (endpoint: Endpoint | undefined) => `${endpoint?.namespace}/${endpoint?.podName}`;
const contentOf = (endpoint: Endpoint | undefined) =>
  JSON.stringify([podOf(endpoint), endpoint?.identity, endpoint?.labels]);

/**
 * Counts the ends of flows, those where the book names another pod, and those where it has another endpoint, by reason:
 * the flow has a pod at the address of a service, or the file has several endpoints at the address.
 */
function compare(book: Book, flows: readonly Flow[]) {
  const counts = { ends: 0, otherPods: 0, ofService: 0, ofSharedAddress: 0, unexplained: 0 };
  const ends = flows.flatMap(endsOf);
  const contents = new Map<string, Set<string>>();
  for (const { address, endpoint } of ends) {
    contents.set(address, (contents.get(address) ?? new Set()).add(contentOf(endpoint)));
  }
  for (const { address, endpoint, service, time } of ends) {
    const found = book.endpoint(address, time);
    counts.ends++;
    if (podOf(found) !== podOf(endpoint)) counts.otherPods++;
    if (contentOf(found) === contentOf(endpoint)) continue;
    if (service !== undefined && endpoint?.podName !== "") counts.ofService++;
    else if (contents.get(address)!.size > 1) counts.ofSharedAddress++;
    else counts.unexplained++;
  }
  return counts;
}

describeWithShared("createAddressBook: flows of a real cluster", () => {
  const files = readdirSync(sharedPath("flows")).filter((name) => name.endsWith(".json"));

  test("know the pods of the flows that they have learned", async () => {
    const sum = { ends: 0, otherPods: 0, ofService: 0, ofSharedAddress: 0, unexplained: 0 };
    for (const name of files) {
      const flows = await flowsOf("flows", name);
      const counts = compare(bookOf(flows), flows);
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key];
    }
    // One node is seen as host, remote-node and, after source translation, with identities of pods. Some flows have the
    // identity of the world for a pod.
    expect(sum).toEqual({ ends: 3812, otherPods: 0, ofService: 0, ofSharedAddress: 149, unexplained: 0 });
  });

  test("give packets between the same addresses the same pods", async () => {
    for (const name of files) {
      const flows = (await flowsOf("flows", name)).filter(({ IP }) => IP?.source.includes("."));
      const book = bookOf(flows);
      for (const flow of flows) {
        const decoder = createFlowDecoder(book.lookups({ time: flow.time! }));
        const { source, destination } = flow.IP!;
        const packet = ethernet(IPV4, ipv4({ source, destination }));
        const batch = createBatch({ linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 }, [
          { bytes: packet },
        ]);
        const [decoded] = decoder.decode(batch);
        expect(podOf(decoded!.source)).toBe(podOf(flow.source));
        expect(podOf(decoded!.destination)).toBe(podOf(flow.destination));
      }
    }
  });

  test("do so for random flows, except where endpoints share an address at one time", async () => {
    const flows = await flowsOf("bench", "flows.jsonl.gz");
    const book = bookOf(flows);
    // The corpus draws addresses, pods and services independently of each other.
    const { otherPods: _, ...counts } = compare(book, flows);
    expect(counts).toEqual({ ends: 20_000, ofService: 3791, ofSharedAddress: 4763, unexplained: 0 });
  });
});

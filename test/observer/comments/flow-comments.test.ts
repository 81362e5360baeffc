import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCommentedFlows, createFlowComments, formatFlow } from "../../../src/observer/index.js";
import { createBatch, createFlowDecoder, type PacketBatch } from "../../../src/packet/index.js";
import { type Flow, Verdict } from "../../../src/proto.js";
import { flow } from "../../../src/testing/index.js";
import { ETHERNET, packetBytes } from "../../recorder/packets.js";
import { runs } from "../../support/amount.js";

const SECONDS = 1_700_000_000;

/** Packets from 10.0.0.1:12345 to 10.0.0.2:53; `reply` swaps the ends. */
function batchOf(...packets: readonly { readonly reply?: boolean; readonly comments?: readonly string[] }[]) {
  return createBatch(
    ETHERNET,
    packets.map(({ reply = false, comments = [] }, index) => {
      const bytes = packetBytes({ id: index });
      if (reply) {
        bytes.set([10, 0, 0, 2, 10, 0, 0, 1], 26);
        bytes.set([0, 53, 0x30, 0x39], 34);
      }
      return { bytes, seconds: SECONDS + index, comments };
    }),
  );
}

const known = () =>
  flow({
    time: { seconds: BigInt(SECONDS), nanos: 500_000_000 },
    verdict: Verdict.DROPPED,
    nodeName: "n1",
    IP: { source: "10.0.0.1", destination: "10.0.0.2" },
    l4: { protocol: { case: "UDP", value: { sourcePort: 12345, destinationPort: 53 } } },
    source: { namespace: "shop", podName: "cart", identity: 1007, labels: ["k8s:app=cart"] },
    destination: { namespace: "kube-system", podName: "dns", identity: 1008 },
    Summary: "UDP",
  });

function commentsOf(batch: PacketBatch): (readonly string[])[] {
  return Array.from({ length: batch.length }, (_, index) => batch.comments?.get(index) ?? []);
}

describe("createFlowComments", () => {
  test("comments the first packet of each conversation and direction", () => {
    const batch = batchOf({}, { reply: true }, {}, { reply: true });
    const [first, second, ...rest] = commentsOf(createFlowComments().annotate(batch));
    expect(first).toEqual([
      "Nov 14 22:13:20.000: 10.0.0.1:12345 (unknown) <> 10.0.0.2:53 (unknown) UNKNOWN VERDICT_UNKNOWN (UDP)",
    ]);
    expect(second?.[0]).toContain("10.0.0.2:53 (unknown) <> 10.0.0.1:12345 (unknown)");
    expect(rest).toEqual([[], []]);
    expect(batch.comments).toBeUndefined();
  });

  test("comments every packet, after its own comments", () => {
    const batch = batchOf({ comments: ["own"] }, {});
    const comments = commentsOf(createFlowComments({ per: "packet" }).annotate(batch));
    expect(comments.map(({ length }) => length)).toEqual([2, 1]);
    expect(comments[0]?.[0]).toBe("own");
  });

  test("adds a whole known flow to its packet, and its names to the others", () => {
    const comments = createFlowComments({ per: "packet" });
    comments.learn(known());
    const [own, later, reply] = commentsOf(comments.annotate(batchOf({}, {}, { reply: true }))).flat();
    expect(own).toContain("shop/cart:12345 (ID:1007) -> kube-system/dns:53 (ID:1008)");
    expect(own).toContain("DROPPED");
    expect(later).toContain(
      "shop/cart:12345 (ID:1007) <> kube-system/dns:53 (ID:1008) UNKNOWN VERDICT_UNKNOWN",
    );
    expect(reply).toContain(
      "kube-system/dns:53 (ID:1008) <> shop/cart:12345 (ID:1007) UNKNOWN VERDICT_UNKNOWN",
    );
  });

  test("adds only names if the known flow is more than a second apart, or has another summary", () => {
    for (const other of [
      { Summary: "TCP Flags: SYN" },
      { time: { seconds: BigInt(SECONDS) + 2n, nanos: 1 } },
    ]) {
      const comments = createFlowComments();
      comments.learn(Object.assign(known(), other as Partial<Flow>));
      expect(commentsOf(comments.annotate(batchOf({})))[0]?.[0]).toContain("VERDICT_UNKNOWN");
    }
  });

  test("leaves packets without flows over TCP, UDP or SCTP alone, unless every packet is commented", () => {
    const batch = createBatch(ETHERNET, [{ bytes: new Uint8Array(10) }]);
    expect(createFlowComments().annotate(batch)).toBe(batch);
    expect(commentsOf(createFlowComments({ per: "packet" }).annotate(batch))[0]).toHaveLength(1);
  });

  test("comments conversations again after restart, and those of a flow that is learned", () => {
    const comments = createFlowComments();
    const count = () => commentsOf(comments.annotate(batchOf({}, { reply: true }))).flat().length;
    expect([count(), count()]).toEqual([2, 0]);
    comments.restart();
    expect([count(), count()]).toEqual([2, 0]);
    comments.learn(known());
    expect([count(), count()]).toEqual([2, 0]);
  });

  test("remembers a bounded number of conversations", () => {
    const comments = createFlowComments({ maxConversations: 2 });
    const ports = [1, 2, 3, 4, 1];
    const batches = ports.map((port) => {
      const bytes = packetBytes({ id: 0 });
      bytes[35] = port;
      return createBatch(ETHERNET, [{ bytes }]);
    });
    expect(batches.map((batch) => commentsOf(comments.annotate(batch))[0]?.length)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("createCommentedFlows", () => {
  /** The flows of a commented batch, as a program that reads its file gets them. */
  function restored(batch: PacketBatch): Flow[] {
    const flows = createCommentedFlows();
    return [...createFlowDecoder().decode(batch)].map((decoded, index) =>
      flows.restore(decoded, batch.comments?.get(index)),
    );
  }

  test("restores what createFlowComments wrote with json", () => {
    const comments = createFlowComments({ json: true });
    comments.learn(known());
    const [own, later, reply] = restored(comments.annotate(batchOf({}, {}, { reply: true })));
    expect(own).toMatchObject({
      verdict: Verdict.DROPPED,
      source: { labels: ["k8s:app=cart"] },
      nodeName: "n1",
    });
    expect(own?.time?.seconds).toBe(BigInt(SECONDS));
    expect(later).toMatchObject({ verdict: Verdict.VERDICT_UNKNOWN, source: { podName: "cart" } });
    expect(reply).toMatchObject({ source: { podName: "dns" }, destination: { podName: "cart" } });
  });

  test("returns the decoded flow for other comments, whatever they contain", () => {
    const [decoded] = createFlowDecoder().decode(batchOf({}));
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.string().map((text) => `{"flow":{${text}`),
            fc.constant('{"flow":{}'),
          ),
        ),
        (comments) => {
          expect(createCommentedFlows().restore(decoded!, comments)).toBe(decoded);
        },
      ),
      { numRuns: runs(2000) },
    );
  });

  test("returns flows that are printed, for any flow as a comment", () => {
    const [decoded] = createFlowDecoder().decode(batchOf({}));
    const comment = '{"flow":{"source":{"pod_name":"a\\u001b[2J"},"verdict":"NOSUCH"}}';
    expect(formatFlow(createCommentedFlows().restore(decoded!, [comment]))).not.toContain("\x1b");
  });
});

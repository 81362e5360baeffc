import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeFlows } from "../../../src/packet/index.js";
import { describeWithPrograms, describeWithShared } from "../../support/shared.js";
import { readCorpus } from "../corpus.js";
import { keptByTcpdump, writeIndexed } from "../tcpdump.js";
import { batchOf, ETHERNET } from "./frames.js";

/** Matches a packet whose ports are captured. */
const ANY_PORT = "portrange 0-65535";

describeWithPrograms("fragments, compared with tcpdump", ["tcpdump"], () => {
  describeWithShared("on captures of other programs", () => {
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "flowscribe-fragments-"));
    });

    afterAll(async () => {
      await rm(folder, { recursive: true });
    });

    test.each([
      {
        name: "first fragments",
        expression: `ip[6:2] & 0x3fff = 0x2000 and ${ANY_PORT}`,
        count: 77,
        ports: true,
      },
      { name: "later fragments", expression: "ip[6:2] & 0x1fff != 0", count: 157, ports: false },
    ])("decodeFlows: $name of TCP, UDP and SCTP have ports: $ports", async ({ expression, count, ports }) => {
      const packets = (await readCorpus()).filter(({ linkType }) => linkType === ETHERNET);
      const file = join(folder, "corpus.pcap");
      await writeIndexed(file, ETHERNET, packets);
      const kept = await keptByTcpdump(file, expression);
      const unexpected: string[] = [];
      for (const index of kept) {
        const { file: name, bytes } = packets[index]!;
        const [flow] = decodeFlows(batchOf(ETHERNET, bytes));
        const protocol = flow?.l4?.protocol.case;
        const hasPorts = protocol === "TCP" || protocol === "UDP" || protocol === "SCTP";
        if (hasPorts !== ports) unexpected.push(`${name}: ${protocol}`);
      }
      expect(unexpected).toEqual([]);
      expect(kept.size).toBe(count);
    });
  });
});

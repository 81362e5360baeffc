import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { recordEnd } from "../../../src/packet/index.js";
import { decodeCapture } from "../../../src/pcap/index.js";
import { compileExpression } from "../../../src/source/libpcap/index.js";
import { repository } from "../../support/run.js";
import { describeUnless, describeWithPrograms } from "../../support/shared.js";

const reason = await compileExpression("tcp", []).then(
  () => undefined,
  (error: Error) => error.message,
);

describeUnless("texts, by libpcap", reason, () => {
  test.each([
    { text: "tcp port", code: "invalid_expression", message: /^"tcp port" is no filter: / },
    { text: "tcp\0", code: "invalid_expression", message: /0 character/ },
  ])("$text is refused", async ({ text, code, message }) => {
    await expect(compileExpression(text, [1])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  describeWithPrograms("select what tcpdump selects:", ["tcpdump"], () => {
    test.each([
      "tcp",
      "udp port 53",
      "ip6 and not icmp6",
      "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
      "len > 100",
      "less 60 or greater 400",
      "net 10.11.0.0/16 and (src port 80 or dst port 53)",
      "vlan or ip[8] * 2 > 100 and ip[2:2] % 7 == 3",
      "ether[0] & 1 = 1",
    ])("%s", async (text) => {
      const path = join(repository, "examples/captures/sample.pcap");
      const { stdout } = spawnSync("tcpdump", ["-nr", path, "-w", "-", text]);
      const theirs: string[] = [];
      for await (const batch of await decodeCapture(stdout)) theirs.push(...recordsOf(batch));
      const matches = await compileExpression(text, []);
      const ours: string[] = [];
      for await (const batch of await decodeCapture(readFileSync(path))) {
        recordsOf(batch).forEach((record, index) => {
          const start = batch.offsets[index]! + 16;
          if (matches(batch.records, start, recordEnd(batch, index), batch.format.linkType))
            ours.push(record);
        });
      }
      expect(ours).toEqual(theirs);
      expect(ours.length).toBeLessThan(527);
    });
  });
});

function recordsOf(batch: Parameters<typeof recordEnd>[0]): string[] {
  return Array.from({ length: batch.length }, (_, index) =>
    Buffer.from(batch.records.subarray(batch.offsets[index]!, recordEnd(batch, index))).toString("hex"),
  );
}

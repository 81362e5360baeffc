import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CaptureInterface } from "../../src/packet/index.js";
import { namedFileSink } from "../../src/sink/file.js";
import { batchOf, ETHERNET } from "../recorder/packets.js";
import { fakeClock } from "../support/fake-clock.js";
import { decodeFile, temporaryFolder } from "./folder.js";

test("rotation: no file exceeds maxBytes when interfaces are added while recording", async () => {
  const maxBytes = 4000;
  await using folder = await temporaryFolder();
  const interfaces: CaptureInterface[] = [];
  const open = namedFileSink(join(folder.path, "a.pcapng"), { rotation: { maxBytes } });
  const sink = await open({ filePrefix: "hubble", interfaces, snapLength: 262_144, clock: fakeClock() });
  for (let interfaceId = 0; interfaceId < 5; interfaceId++) {
    interfaces.push({ ...ETHERNET, description: "x".repeat(300) });
    for (let packet = 0; packet < 7; packet++) {
      await sink.write(batchOf([{ id: 7 * interfaceId + packet }], { ...ETHERNET, interfaceId }));
    }
  }
  await sink.close({ received: 35, dropped: 0 });
  const names = (await readdir(folder.path)).sort();
  expect(names.length).toBeGreaterThan(1);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder.path, name))).size));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(maxBytes);
  const ids = await Promise.all(names.map(async (name) => (await decodeFile(join(folder.path, name))).ids));
  expect(ids.flat()).toEqual(Array.from({ length: 35 }, (_, id) => id));
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fromEvents } from "../../../src/collect/index.js";
import { encodeEvent, encodeExportLine } from "../../../src/observer/index.js";
import { observerSource } from "../../../src/rpc/index.js";
import { exportFileSource } from "../../../src/source/export.js";
import { BackupName } from "../../../src/source/export-file/backup-name.js";
import { fakeClock, fakeEventSource, fakeObserver, flow } from "../../../src/testing/index.js";
import { openFilesIn } from "../../sink/folder.js";
import { type Ending, eventSourceContract, type SourceOpener } from "./event-source-contract.js";

/** One second between flows, so that they have an order. */
function flowOf(uuid: string) {
  return flow({ uuid, time: new Date(Number(uuid) * 1000) });
}

function endWith(ending: Ending): Promise<void> {
  if (ending === "fail") return Promise.reject(new Error("the input failed"));
  return ending === "wait" ? new Promise(() => {}) : Promise.resolve();
}

eventSourceContract("fakeEventSource", {
  prepare: async ({ groups, ending }) => ({
    open: () =>
      fakeEventSource(
        (async function* () {
          for (const group of groups) yield group.map((uuid) => encodeEvent(flowOf(uuid)));
          await endWith(ending);
        })(),
      ),
  }),
  endings: ["end", "fail", "wait"],
  failure: { message: "the input failed" },
  resumes: true,
});

eventSourceContract("fromEvents", {
  prepare: async ({ groups, ending }) => ({
    open: () =>
      fromEvents(
        (async function* () {
          for (const uuid of groups.flat()) yield flowOf(uuid);
          await endWith(ending);
        })(),
      ),
  }),
  endings: ["end", "fail", "wait"],
  failure: { message: "the input failed" },
  resumes: false,
});

eventSourceContract("observerSource", {
  prepare: async ({ groups, ending }) => {
    const observer = fakeObserver({ flows: groups.flat().map(flowOf) });
    return {
      open: () =>
        observerSource(
          observer.transport,
          { follow: ending === "wait", since: { seconds: 0n, nanos: 0 } },
          { clock: fakeClock() },
        ),
    };
  },
  endings: ["end", "wait"],
  resumes: true,
});

let folder = "";

/** Each group is a file: backups of Hubble's exporter, and the file itself. */
function exportFiles(
  groups: readonly (readonly string[])[],
  ending: Ending,
  compress: boolean,
): SourceOpener {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-source-"));
  const path = join(folder, "events.log");
  const backups = new BackupName(path);
  writeFileSync(path, "");
  for (const [index, group] of groups.entries()) {
    const lines = group.map((uuid) => `${encodeExportLine(flowOf(uuid))}\n`).join("");
    const isLast = index === groups.length - 1;
    if (!isLast && compress) writeFileSync(`${backups.pathAt(index)}.gz`, gzipSync(lines));
    else if (!isLast) writeFileSync(backups.pathAt(index), lines);
    // A compressed file that is cut off.
    else if (ending === "fail") writeFileSync(path, gzipSync(lines).subarray(0, -8));
    else writeFileSync(path, lines);
  }
  return {
    open: () => exportFileSource(path, { follow: ending === "wait", clock: fakeClock() }),
    close: async () => rmSync(folder, { recursive: true }),
  };
}

for (const compress of [false, true]) {
  for (const ending of ["end", "wait"] as const) {
    eventSourceContract(`exportFileSource, ${compress ? "gzip" : "plain"}, ${ending}`, {
      prepare: async (delivery) => exportFiles(delivery.groups, delivery.ending, compress),
      endings: ending === "end" ? ["end", "fail"] : ["wait"],
      failure: { code: "malformed_gzip" },
      resumes: true,
      held: () => openFilesIn(folder).join(),
    });
  }
}

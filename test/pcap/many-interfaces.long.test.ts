import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../src/cli/run.js";
import { createFlowDecoder } from "../../src/packet/index.js";
import { decodeCapture, encodePcap, MAX_INTERFACES, mergeSources } from "../../src/pcap/index.js";
import { fakeIo } from "../cli/fake-io.js";
import { captureOfSections } from "./many-interfaces.js";

const PACKETS = 3 * MAX_INTERFACES;
/** A hundred times what it takes: work that is quadratic takes minutes. */
const TIMEOUT_MS = 100_000;

describe(`a capture of ${MAX_INTERFACES} sections and interfaces`, { timeout: TIMEOUT_MS }, () => {
  let folder: string;
  let capture: Uint8Array;
  let path: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flowscribe-interfaces-"));
    capture = captureOfSections(MAX_INTERFACES);
    path = join(folder, "in.pcapng");
    await writeFile(path, capture);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test.each([
    { name: "to pcapng", args: ["-w", "out.pcapng"] },
    { name: "to pcapng in nanoseconds", args: ["-w", "ns.pcapng", "--precision", "ns"] },
    { name: "to pcap", args: ["-w", "out.pcap"] },
    { name: "filtered", args: ["-w", "filtered.pcapng", "--port", "53"] },
    { name: "merged with itself", args: ["-r", "in.pcapng", "-w", "merged.pcapng"], times: 2 },
  ])("record: reads it and writes it $name", async ({ args, times = 1 }) => {
    const inFolder = args.map((arg) =>
      /^(?:in|out|ns|filtered|merged)\./.test(arg) ? join(folder, arg) : arg,
    );
    expect(await runCli(["record", "-r", path, ...inFolder], fakeIo())).toBe(0);
    const output = inFolder.find((arg) => arg.startsWith(folder) && arg !== path)!;
    expect((await stat(output)).size).toBeGreaterThan(0);
    const source = await decodeCapture(await readFile(output));
    let packets = 0;
    for await (const batch of source) packets += batch.length;
    expect(packets).toBe(times * PACKETS);
    expect(source.interfaces).toHaveLength(output.endsWith(".pcap") ? 1 : MAX_INTERFACES);
  });

  test("mergeSources: merges it with itself, and encodePcap writes the result", async () => {
    const merged = mergeSources([await decodeCapture(capture), await decodeCapture(capture)]);
    let bytes = 0;
    for await (const chunk of encodePcap(merged)) bytes += chunk.length;
    expect(merged.stats().received).toBe(2 * PACKETS);
    expect(merged.interfaces).toHaveLength(MAX_INTERFACES);
    expect(bytes).toBeGreaterThan(2 * PACKETS * 16);
  });

  test("createFlowDecoder: makes flows of its packets", async () => {
    const source = await decodeCapture(capture);
    const decoder = createFlowDecoder({ captureInterface: (id) => ({ name: `if${id}` }) });
    let flows = 0;
    for await (const batch of source) for (const _ of decoder.decode(batch)) flows++;
    expect(flows).toBe(PACKETS);
  });
});

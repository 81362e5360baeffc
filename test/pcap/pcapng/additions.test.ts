import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBatch } from "../../../src/packet/batch.js";
import { fromBatches } from "../../../src/packet/source/from-batches.js";
import {
  type DecryptionSecrets,
  decodeCapture,
  encodePcapng,
  namesBlock,
  type PcapngOptions,
  secretsBlock,
} from "../../../src/pcap/index.js";
import { certificateAuthority } from "../../rpc/certificates.js";
import { describeWithPrograms } from "../../support/shared.js";
import { collect, encoded } from "../read.js";
import { canonicalBlocks } from "./canonical-blocks.js";
import { type TlsSession, tlsSession } from "./tls-session.js";

const utf8 = new TextEncoder();
const FORMAT = { linkType: 101, resolution: "us", snapLength: 0, interfaceId: 0 } as const;

/** An IPv4 packet without payload. */
function packetOf(source: number, destination: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, source, 10, 0, 0, destination]);
  return bytes;
}

const packets = (...pairs: readonly (readonly [number, number])[]) =>
  createBatch(
    FORMAT,
    pairs.map(([source, destination]) => ({ bytes: packetOf(source, destination) })),
  );

const kinds = (bytes: Uint8Array) => canonicalBlocks(bytes).blocks.map((block) => block.split(" ")[0]);

describe("encodePcapng: adds only what is asked for", () => {
  const secrets = (text: string): DecryptionSecrets => ({ type: "TLS Key Log", bytes: utf8.encode(text) });
  const plain = () => fromBatches([packets([1, 2])], FORMAT);

  test("nothing by default", async () => {
    const bytes = await collect(encodePcapng(plain()));
    expect(kinds(bytes)).toEqual(["packet", "statistics"]);
    expect(canonicalBlocks(bytes).section).toEqual([]);
  });

  test("secrets before the first packet", async () => {
    const bytes = await collect(encodePcapng(plain(), { secrets: [secrets("CLIENT_RANDOM 00 11\n")] }));
    expect(kinds(bytes)).toEqual(["secrets", "packet", "statistics"]);
    expect(canonicalBlocks(bytes).blocks[0]).toContain(
      `4b534c5414000000${Buffer.from("CLIENT_RANDOM 00 11\n").toString("hex")}`,
    );
  });

  test("secrets that become known later before the next packets", async () => {
    const known = [secrets("# first\n")];
    async function* batches() {
      yield packets([1, 2]);
      known.push(secrets("# second\n"), secrets("# third\n"));
      yield packets([1, 2]);
    }
    const source = fromBatches(batches(), FORMAT);
    const bytes = await collect(encodePcapng(source, { secrets: () => known }));
    expect(kinds(bytes)).toEqual(["secrets", "packet", "secrets", "secrets", "packet", "statistics"]);
  });

  test("listed names before the first packet", async () => {
    const names = [
      { address: "10.0.0.1", names: ["default/a", "a.example"] },
      { address: "fd00::1", names: ["default/b"] },
      { address: "10.0.0.9", names: [] },
    ];
    const bytes = await collect(encodePcapng(plain(), { names }));
    expect(kinds(bytes)).toEqual(["names", "packet", "statistics"]);
    expect((await readNames(bytes)).join()).toBe(`10.0.0.1 default/a,a.example,${"fd00::1"} default/b`);
  });

  test("looked-up names before the first packet of each address", async () => {
    const asked: string[] = [];
    const names = (address: string) => {
      asked.push(address);
      return address === "10.0.0.9" ? undefined : [`pod-${address}`];
    };
    const source = fromBatches([packets([1, 2], [2, 1]), packets([1, 9], [3, 3])], FORMAT);
    const bytes = await collect(encodePcapng(source, { names }));
    expect(asked).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.3"]);
    expect(kinds(bytes)).toEqual([
      ...["names", "names", "packet", "packet", "packet", "names", "packet", "statistics"],
    ]);
  });

  test("looked-up names of an address that has none at first", async () => {
    let known = false;
    async function* batches() {
      yield packets([1, 2]);
      known = true;
      yield packets([1, 2]);
    }
    const names = (address: string) => (known && address === "10.0.0.1" ? ["default/late"] : []);
    const bytes = await collect(encodePcapng(fromBatches(batches(), FORMAT), { names }));
    expect(kinds(bytes)).toEqual(["packet", "names", "packet", "statistics"]);
  });

  test("descriptions that the input does not have", async () => {
    const description = {
      application: "flowscribe 1.2",
      hardware: "x86_64",
      operatingSystem: "Linux 6",
      interfaces: "node a",
    };
    const first = await collect(encodePcapng(plain(), { description }));
    const hex = (text: string) => Buffer.from(text).toString("hex");
    expect(canonicalBlocks(first)).toMatchObject({
      section: [`2:${hex("x86_64")}`, `3:${hex("Linux 6")}`],
      interfaces: [`101 snap 0 3:${hex("node a")}`],
    });
    expect(Buffer.from(first).includes("flowscribe 1.2")).toBe(true);
    const other = { ...description, hardware: "arm", operatingSystem: "BSD", interfaces: "node b" };
    const again = await encoded((source) => encodePcapng(source, { description: other }), first);
    expect(canonicalBlocks(again)).toEqual(canonicalBlocks(first));
  });

  test.each<[options: object, path: string]>([
    [{ secrets: [{ type: "TLS", bytes: new Uint8Array(1) }] }, "secrets[0].type"],
    [{ secrets: [{ type: "TLS Key Log" }] }, "secrets[0].bytes"],
    [{ secrets: 1 }, "secrets"],
    [{ names: 1 }, "names"],
    [{ description: { node: "a" } }, "description.node"],
    [{ secret: [] }, "secret"],
  ])("rejects %j with its path", (options, path) => {
    expect(() => encodePcapng(plain(), options as PcapngOptions)).toThrow(path);
  });
});

describe("namesBlock and secretsBlock", () => {
  test("place a block among the packets of a batch", async () => {
    const batch = packets([1, 2], [3, 4]);
    const blocks = [
      namesBlock([{ address: "10.0.0.3", names: ["c"] }], 1),
      secretsBlock({ type: "WireGuard Key Log", bytes: utf8.encode("x") }, 2),
    ];
    const bytes = await collect(encodePcapng(fromBatches([{ ...batch, pcapng: { blocks } }], FORMAT)));
    expect(kinds(bytes)).toEqual(["packet", "names", "packet", "secrets", "statistics"]);
  });

  test("leave out names without characters and names that do not fit", () => {
    const long = "x".repeat(65_000);
    const { body } = namesBlock([{ address: "10.0.0.1", names: ["", "a\0b", long, long, "c"] }]);
    expect(new DataView(body.buffer).getUint16(2, true)).toBe(4 + 3 + 65_001 + 2);
    expect(namesBlock([{ address: "10.0.0.1", names: [""] }]).body).toEqual(new Uint8Array(4));
  });

  test("reject invalid arguments", () => {
    expect(() => namesBlock([{ address: "pod", names: ["a"] }])).toThrow(
      'namesBlock: entries[0].address must be an IP address, not "pod"',
    );
    expect(() => namesBlock({} as [])).toThrow("namesBlock: entries must be");
    expect(() => secretsBlock({ type: "TLS Key Log" } as DecryptionSecrets)).toThrow("secrets.bytes");
    expect(() => secretsBlock({ type: "x" as "TLS Key Log", bytes: new Uint8Array(0) })).toThrow(
      "secrets.type",
    );
  });
});

describeWithPrograms("tshark and additions", ["tshark", "editcap", "openssl"], () => {
  let folder: string;
  let session: TlsSession;
  const path = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "flowscribe-additions-"));
    const authority = certificateAuthority(folder);
    session = await tlsSession(authority.sign("server", "/CN=test", "DNS:test"), "/found-after-decryption");
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const source = () => fromBatches([session.batch], FORMAT);
  const uris = (file: string) =>
    tshark("-r", file, "-Y", "http.request", "-T", "fields", "-e", "http.request.uri");

  test("decrypts TLS with secrets, also after another rewriting, and as with editcap", async () => {
    writeFileSync(path("plain.pcapng"), await collect(encodePcapng(source())));
    expect(uris(path("plain.pcapng"))).toBe("");
    const secrets: DecryptionSecrets[] = [{ type: "TLS Key Log", bytes: utf8.encode(session.keyLog) }];
    const decryptable = await collect(encodePcapng(source(), { secrets }));
    writeFileSync(path("secrets.pcapng"), decryptable);
    expect(uris(path("secrets.pcapng"))).toBe("/found-after-decryption\n");
    writeFileSync(path("again.pcapng"), await encoded(encodePcapng, decryptable));
    expect(uris(path("again.pcapng"))).toBe("/found-after-decryption\n");

    writeFileSync(path("keys.log"), session.keyLog);
    run(
      "editcap",
      "--inject-secrets",
      `tls,${path("keys.log")}`,
      path("plain.pcapng"),
      path("editcap.pcapng"),
    );
    const byEditcap = new Uint8Array(readFileSync(path("editcap.pcapng")));
    const block = (bytes: Uint8Array) =>
      canonicalBlocks(bytes).blocks.find((one) => one.startsWith("secrets"));
    expect(block(await encoded(encodePcapng, byEditcap))).toBe(block(byEditcap));
    expect(block(byEditcap)).toBe(block(decryptable));
    // editcap can read what was written.
    run("editcap", path("again.pcapng"), path("copy.pcapng"));
    expect(block(new Uint8Array(readFileSync(path("copy.pcapng"))))).toBe(block(decryptable));
  });

  test("shows names", async () => {
    const names = (address: string) => [address === "10.11.0.2" ? "default/server" : "default/client"];
    writeFileSync(path("names.pcapng"), await collect(encodePcapng(source(), { names })));
    const hosts = tshark(
      "-N",
      "n",
      "-r",
      path("names.pcapng"),
      "-c",
      "1",
      "-T",
      "fields",
      "-e",
      "ip.src_host",
      "-e",
      "ip.dst_host",
    );
    expect(hosts).toBe("default/client\tdefault/server\n");
  });
});

function tshark(...args: string[]): string {
  return run("tshark", ...args);
}

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return stdout;
}

/** `address name,name` of every record. */
async function readNames(bytes: Uint8Array): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of await decodeCapture(bytes)) {
    for (const { type, body } of batch.pcapng?.blocks ?? []) {
      if (type !== 4) continue;
      const view = Buffer.from(body);
      for (let at = 0; view.readUInt16LE(at) !== 0; ) {
        const length = view.readUInt16LE(at + 2);
        const isV4 = view.readUInt16LE(at) === 1;
        const value = view.subarray(at + 4, at + 4 + length);
        const address = isV4 ? value.subarray(0, 4).join(".") : "fd00::1";
        const names = value.toString("utf8", isV4 ? 4 : 16).split("\0");
        lines.push(`${address} ${names.filter((name) => name !== "").join()}`);
        at += 4 + length + (-length & 3);
      }
    }
  }
  return lines;
}

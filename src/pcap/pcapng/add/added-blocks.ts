import { type PacketBatch, RECORD_HEADER_LENGTH, recordEnd } from "../../../packet/batch.js";
import { type AddressText, addressText } from "../../../packet/flow/address-text.js";
import { BoundedMap } from "../../../packet/flow/lookup/bounded-map.js";
import { IPV4_DESTINATION, IPV4_SOURCE } from "../../../packet/headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_SOURCE } from "../../../packet/headers/ipv6.js";
import { createLayers, locateLayers } from "../../../packet/layers.js";
import type { SideBlock } from "../../../packet/side-blocks.js";
import type { PcapngAdditions } from "./additions.js";
import { type AddressNames, type NameLookup, namesBlock } from "./names.js";
import { type DecryptionSecrets, type SecretsOption, secretsBlock, secretsBlockBytes } from "./secrets.js";

/** Maximum number of addresses whose names a file is known to have. */
const MAX_KNOWN_ADDRESSES = 65_536;
/** Names in one block. */
const NAMES_PER_BLOCK = 256;

/** Adds secrets and names to one file, each before the first packet that needs it. */
export class AddedBlocks {
  readonly #secrets: SecretsOption;
  readonly #listed: readonly AddressNames[];
  readonly #names: AddedNames | undefined;
  readonly #write: (block: SideBlock) => void;
  #secretsWritten = 0;

  constructor({ secrets = [], names = [] }: PcapngAdditions, write: (block: SideBlock) => void) {
    this.#secrets = secrets;
    this.#write = write;
    this.#listed = typeof names === "function" ? [] : names;
    this.#names = typeof names === "function" ? new AddedNames(names, write) : undefined;
  }

  /** Writes what precedes all packets. */
  begin(): void {
    this.beforeBatch();
    for (let from = 0; from < this.#listed.length; from += NAMES_PER_BLOCK) {
      this.#write(namesBlock(this.#listed.slice(from, from + NAMES_PER_BLOCK)));
    }
  }

  /** Writes the secrets that have become known. */
  beforeBatch(): void {
    const known = this.#knownSecrets();
    while (this.#secretsWritten < known.length) this.#write(secretsBlock(known[this.#secretsWritten++]!));
  }

  /** The bytes that {@link beforeBatch} would write. */
  get pendingBytes(): number {
    let bytes = 0;
    const known = this.#knownSecrets();
    for (let index = this.#secretsWritten; index < known.length; index++)
      bytes += secretsBlockBytes(known[index]!);
    return bytes;
  }

  /** Whether {@link beforePacket} has to be called. */
  get hasNames(): boolean {
    return this.#names !== undefined;
  }

  /** Writes the names of addresses that the file does not have yet. */
  beforePacket(batch: PacketBatch, index: number): void {
    this.#names?.beforePacket(batch, index);
  }

  #knownSecrets(): readonly DecryptionSecrets[] {
    return typeof this.#secrets === "function" ? this.#secrets() : this.#secrets;
  }
}

class AddedNames {
  readonly #lookUp: NameLookup;
  readonly #write: (block: SideBlock) => void;
  readonly #known = new BoundedMap<true>("maxKnownAddresses", MAX_KNOWN_ADDRESSES);
  readonly #texts: AddressText = addressText();
  readonly #layers = createLayers();
  /** The addresses of a batch that have no names: they may have some in the next one. */
  readonly #unnamed = new Set<string>();
  #batch: PacketBatch | undefined;

  constructor(lookUp: NameLookup, write: (block: SideBlock) => void) {
    this.#lookUp = lookUp;
    this.#write = write;
  }

  beforePacket(batch: PacketBatch, index: number): void {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#unnamed.clear();
    }
    const { records, offsets, format } = batch;
    const layers = this.#layers;
    const start = offsets[index]! + RECORD_HEADER_LENGTH;
    if (!locateLayers(records, start, recordEnd(batch, index), format.linkType, layers)) return;
    const { network, version } = layers;
    if (version === 4) {
      this.#add(this.#texts.ipv4(records, network + IPV4_SOURCE));
      this.#add(this.#texts.ipv4(records, network + IPV4_DESTINATION));
    } else {
      this.#add(this.#texts.ipv6(records, network + IPV6_SOURCE));
      this.#add(this.#texts.ipv6(records, network + IPV6_DESTINATION));
    }
  }

  #add(address: string): void {
    if (this.#known.get(address) === true || this.#unnamed.has(address)) return;
    const names = this.#lookUp(address);
    if (names === undefined || names.length === 0) {
      this.#unnamed.add(address);
      return;
    }
    this.#known.set(address, true);
    this.#write(namesBlock([{ address, names }]));
  }
}

import type { Assembler, Label, Place } from "../assembler.js";
import { ADDRESS_KEY, behind, DESTINATION_ADDRESS, SOURCE_ADDRESS } from "../stack.js";

/** The last 32 bits of the prefix ::ffff:0:0/96 as they are loaded, in network order. */
const MAPPED = 0xffff_0000 | 0;

/**
 * Jumps to `match` if the source or the destination of the loaded IP header is a key of the map `addresses`, otherwise to
 * `miss`. Keys have 16 bytes; IPv4 addresses are mapped to IPv6.
 */
export function emitAddressLookup(asm: Assembler, family: 4 | 6, match: Label, miss: Label): void {
  for (const address of [SOURCE_ADDRESS[family], DESTINATION_ADDRESS[family]]) {
    emitKey(asm, family, address);
    asm.map("r1", "addresses");
    asm.alu("r2", "=", "r10");
    asm.alu("r2", "+=", ADDRESS_KEY.offset);
    asm.call("map_lookup_elem");
    asm.jumpIf("r0", "!=", 0, match);
  }
  asm.jump(miss);
}

function emitKey(asm: Assembler, family: 4 | 6, address: Place): void {
  if (family === 4) {
    asm.store(ADDRESS_KEY, 64, 0);
    asm.store(behind(ADDRESS_KEY, 8), 32, MAPPED);
    asm.load("r1", 32, address);
    asm.store(behind(ADDRESS_KEY, 12), 32, "r1");
    return;
  }
  for (const offset of [0, 8]) {
    asm.load("r1", 64, behind(address, offset));
    asm.store(behind(ADDRESS_KEY, offset), 64, "r1");
  }
}

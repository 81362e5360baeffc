// Link headers with rules of their own.

import { llcOffset } from "../headers/ieee80211.js";
import { SNAP_LENGTH } from "../headers/llc.js";
import { NFLOG_VALUE, nflogAttributeLength, nflogPayloadOffset, nflogVersion } from "../headers/nflog.js";
import { PPP_ADDRESS_CONTROL, PPP_ADDRESS_CONTROL_LENGTH, PPP_LAST_BYTE } from "../headers/ppp.js";
import { isPadded, radiotapFrameOffset } from "../headers/radiotap.js";
import { readUint16 } from "../word.js";
import { type FoundVersion, type Limits, link, walkEtherType, walkPpp } from "./encapsulations.js";

/** Walks from the start of a packet to the IP header: see `walkLink`. */
type Walk = (bytes: Uint8Array, start: number, end: number, limits: Limits) => FoundVersion;

export const walkPppFrame: Walk = (bytes, start, end, limits) => {
  let at = start;
  if (at + PPP_ADDRESS_CONTROL_LENGTH <= end && readUint16(bytes, at) === PPP_ADDRESS_CONTROL) {
    at += PPP_ADDRESS_CONTROL_LENGTH;
  }
  if (at >= end) return 0;
  const first = bytes[at]!;
  if ((first & PPP_LAST_BYTE) !== 0) return walkPpp(bytes, first, at + 1, end, limits);
  return at + 2 > end ? 0 : walkPpp(bytes, readUint16(bytes, at), at + 2, end, limits);
};

export const walkIeee80211: Walk = (bytes, start, end, limits) =>
  walkLlc(bytes, llcOffset(bytes, start, end, false), end, limits);

export const walkRadiotap: Walk = (bytes, start, end, limits) => {
  const frame = radiotapFrameOffset(bytes, start, end);
  if (frame < 0) return 0;
  return walkLlc(bytes, llcOffset(bytes, frame, end, isPadded(bytes, start, frame)), end, limits);
};

/** LLC, which an Ethernet frame announces by a length. */
function walkLlc(bytes: Uint8Array, at: number, end: number, limits: Limits): FoundVersion {
  return at < 0 ? 0 : walkEtherType(bytes, SNAP_LENGTH, at, end, limits);
}

export function walkNflog(bytes: Uint8Array, start: number, end: number): FoundVersion {
  const at = nflogPayloadOffset(bytes, start, end);
  if (at < 0) return 0;
  link.network = at + NFLOG_VALUE;
  link.end = Math.min(end, at + nflogAttributeLength(bytes, at));
  return nflogVersion(bytes, start);
}

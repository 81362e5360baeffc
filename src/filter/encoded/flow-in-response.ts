/** The tags of `observer.GetFlowsResponse`: of the flow, and the bytes of those of the node name and the time. */
const FLOW = (1 << 3) | 2;
const NODE_NAME = 0xc2;
const TIME = 0xca;
const SECOND_BYTE = 0x3e;

/** Finds the flow in an encoded response. */
export class FlowInResponse {
  /** The offset of the flow, and that of the byte after it. */
  start = 0;
  end = 0;
  /** The offset of the tag before the flow. */
  tagAt = 0;

  /**
   * Whether a response consists of one flow, and of the name and time that servers add. Other responses, also those with
   * unknown fields or unusual encodings, must be decoded.
   */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    let isFound = false;
    for (let at = start; at < end; ) {
      const tag = bytes[at++]!;
      if (tag === FLOW) {
        if (isFound) return false;
        isFound = true;
        this.tagAt = at - 1;
      } else if ((tag !== NODE_NAME && tag !== TIME) || at >= end || bytes[at++] !== SECOND_BYTE)
        return false;
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        if (at >= end || shift > 21) return false;
        const byte = bytes[at++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      if (length > end - at) return false;
      if (tag === FLOW) this.start = at;
      at += length;
      if (tag === FLOW) this.end = at;
    }
    return isFound;
  }
}

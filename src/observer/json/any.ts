import { base64Decode } from "@bufbuild/protobuf/wire";
import { type JsonMember, membersAt } from "./scan.js";

/**
 * The member that has the content of an extension of an unknown type in base64, beside `@type`, as grpcurl prints it
 * (https://github.com/fullstorydev/grpcurl/blob/master/format.go, `unknownAny`). No field can have such a name.
 */
export const ANY_BYTES = "@value";

/** The type of an extension, without the part of the URL before the last slash. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** The members of the JSON of an extension that are not fields of its message. */
export interface AnyMembers {
  type?: string;
  /** Of an extension in {@link ANY_BYTES}. */
  bytes?: Uint8Array;
  /** The member that has the content of messages that are not written as objects of their fields. */
  content?: JsonMember;
}

/** Reads them of the object that begins at `at`. */
export function readAny(json: string, at: number): AnyMembers {
  const any: AnyMembers = {};
  for (const member of membersAt(json, at)) {
    const { name, valueStart, valueEnd } = member;
    if (name === "value") any.content = member;
    if (!name.startsWith("@") || json[valueStart] !== '"') continue;
    // It begins as a string does.
    const text = JSON.parse(json.slice(valueStart, valueEnd)) as string;
    if (name === "@type" && text !== "") any.type = text;
    if (name === ANY_BYTES) {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) any.bytes = bytes;
    }
  }
  return any;
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return base64Decode(text);
  } catch {
    return undefined;
  }
}

import { base64Decode } from "@bufbuild/protobuf/wire";
import { type JsonMember, membersAt } from "./scan.js";

/**
 * The member that holds the base64 content of an extension of an unknown type, next to `@type`, as grpcurl prints it
 * (https://github.com/fullstorydev/grpcurl/blob/master/format.go, `unknownAny`). No field can have this name.
 */
export const ANY_BYTES = "@value";

/** The type name of an extension: the part of the URL after the last slash. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** The members of an extension's JSON that are not fields of its message. */
export interface AnyMembers {
  type?: string;
  /** The decoded content of {@link ANY_BYTES}. */
  bytes?: Uint8Array;
  /** The member `value`, which holds messages whose JSON form is not an object of their fields. */
  content?: JsonMember;
}

/** Reads these members from the object that begins at `at`. */
export function readAny(json: string, at: number): AnyMembers {
  const any: AnyMembers = {};
  for (const member of membersAt(json, at)) {
    const { name, valueStart, valueEnd } = member;
    if (name === "value") any.content = member;
    if (!name.startsWith("@") || json[valueStart] !== '"') continue;
    // The value begins with a quote, so it is a string.
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

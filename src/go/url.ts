import type { GoRelease } from "./release.js";

/**
 * Returns the decoded path of a request's URL, like Go's `url.ParseRequestURI(url).Path`, which Hubble's `http_path`
 * uses (net/url/url.go); undefined if the URL does not parse. Only a URL with a scheme has a host, a fragment is part of
 * the path, and a URL without a slash after its scheme has an empty path. Each byte that is not valid UTF-8 becomes
 * U+FFFD.
 *
 * In Go 1.23, brackets can enclose anything and stand anywhere in a host. In Go 1.26, a host with an opening bracket
 * must be an IPv6 address in brackets, with or without a zone.
 */
export function requestPath(url: string, release: GoRelease = "go1.23"): string | undefined {
  if (url === "*") return url;
  if (hasControl(url)) return undefined;
  let start = 0;
  const query = url.indexOf("?");
  const end = query < 0 ? url.length : query;
  if (url.charCodeAt(0) !== SLASH) {
    start = schemeEnd(url) + 1;
    if (start === 0) return undefined;
    if (url.charCodeAt(start) !== SLASH) return "";
    if (url.charCodeAt(start + 1) === SLASH) {
      const authority = start + 2;
      const slash = url.indexOf("/", authority);
      start = slash < 0 || slash > end ? end : slash;
      if (!isAuthority(url, authority, start, HOSTS[release])) return undefined;
    }
  }
  return decodePath(url, start, end);
}

const SLASH = 0x2f;
const PERCENT = 0x25;
const COLON = 0x3a;

// Classes of ASCII characters.
const LETTER = 1;
const SCHEME = 2;
const HOST = 4;
const USERINFO = 8;
const HEX = 16;

const CLASSES = new Uint8Array(128);
classify(/[A-Za-z]/, LETTER);
classify(/[-+.A-Za-z0-9]/, SCHEME);
// Go also accepts `<`, `>` and `"`, and brackets and colons in any number and order.
classify(/[-.~\w!$&'()*+,;=:[\]<>"]/, HOST);
classify(/[-.~\w!$&'()*+,;=:@%]/, USERINFO);
classify(/[0-9A-Fa-f]/, HEX);

function classify(characters: RegExp, kind: number): void {
  for (let code = 0; code < CLASSES.length; code++) {
    if (characters.test(String.fromCharCode(code))) CLASSES[code]! |= kind;
  }
}

function is(kind: number, code: number): boolean {
  return code < 128 && (CLASSES[code]! & kind) !== 0;
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/** The index of the colon after a scheme, or -1. */
function schemeEnd(url: string): number {
  if (!is(LETTER, url.charCodeAt(0))) return -1;
  let index = 1;
  while (is(SCHEME, url.charCodeAt(index))) index++;
  return url.charCodeAt(index) === COLON ? index : -1;
}

/** Whether the range is `host[:port]`. */
type HostCheck = (url: string, start: number, end: number) => boolean;

const HOSTS: { readonly [K in GoRelease]: HostCheck } = {
  "go1.23": (url, start, end) =>
    url.startsWith("[", start) ? isBracketedHost(url, start, end) : isPlainHost(url, start, end),
  "go1.26": (url, start, end) => {
    const bracket = lastIndexWithin(url, "[", start, end);
    if (bracket < 0) return isPlainHost(url, start, end);
    return bracket === start && isAddressInBrackets(url, start, end);
  },
};

/** `[userinfo@]host[:port]` */
function isAuthority(url: string, start: number, end: number, isHost: HostCheck): boolean {
  const at = lastIndexWithin(url, "@", start, end);
  if (at < 0) return isHost(url, start, end);
  return isHost(url, at + 1, end) && isUserinfo(url, start, at);
}

function isUserinfo(url: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const code = url.charCodeAt(index);
    if (!is(USERINFO, code) || (code === PERCENT && !isEscape(url, index, end))) return false;
  }
  return true;
}

function isPlainHost(url: string, start: number, end: number): boolean {
  const colon = lastIndexWithin(url, ":", start, end);
  return (colon < 0 || isPort(url, colon, end)) && isHostText(url, start, end, false);
}

function isBracketedHost(url: string, start: number, end: number): boolean {
  const bracket = lastIndexWithin(url, "]", start, end);
  if (bracket < 0 || !isPort(url, bracket + 1, end)) return false;
  const zone = zoneStart(url, start, bracket);
  return (
    isHostText(url, start, zone, false) &&
    isHostText(url, zone, bracket, true) &&
    isHostText(url, bracket, end, false)
  );
}

function isAddressInBrackets(url: string, start: number, end: number): boolean {
  const bracket = lastIndexWithin(url, "]", start, end);
  if (bracket < 0 || !isPort(url, bracket + 1, end)) return false;
  const zone = zoneStart(url, start, bracket);
  if (!isIpv6(url.slice(start + 1, zone))) return false;
  // A percent sign announces a zone, which must not be empty.
  return zone === bracket || (zone + 3 < bracket && isHostText(url, zone, bracket, true));
}

/** The index of the escaped percent sign before a zone, or that of the bracket. */
function zoneStart(url: string, start: number, bracket: number): number {
  const percent = url.indexOf("%25", start);
  return percent >= 0 && percent + 3 <= bracket ? percent : bracket;
}

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const EMBEDDED_IPV4 = new RegExp(`(?<=:)(?:${OCTET}\\.){3}${OCTET}$`);
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/** Whether Go's `netip.ParseAddr` accepts the text as an IPv6 address; it has no zone. */
function isIpv6(text: string): boolean {
  const parts = text.replace(EMBEDDED_IPV4, "0:0").split("::");
  const groups = parts.flatMap((part) => (part === "" ? [] : part.split(":")));
  if (!groups.every((group) => GROUP.test(group))) return false;
  // `::` stands for at least one group.
  return parts.length === 1 ? groups.length === 8 : parts.length === 2 && groups.length < 8;
}

/** Whether the range is empty, or a colon followed by any number of digits. */
function isPort(url: string, start: number, end: number): boolean {
  if (start === end) return true;
  if (url.charCodeAt(start) !== COLON) return false;
  for (let index = start + 1; index < end; index++) {
    const code = url.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/**
 * Whether all characters are allowed in a host or the zone of its address. Escapes are allowed for the percent sign; in
 * a host also for bytes beyond ASCII; in a zone also for spaces and characters that need no escape there.
 */
function isHostText(url: string, start: number, end: number, inZone: boolean): boolean {
  for (let index = start; index < end; index++) {
    const code = url.charCodeAt(index);
    if (code === PERCENT) {
      if (!isEscape(url, index, end)) return false;
      const byte = escapedByte(url, index);
      const allowed = inZone ? byte === 0x20 || is(HOST, byte) : byte >= 0x80;
      if (!allowed && byte !== PERCENT) return false;
      index += 2;
    } else if (code < 0x80 && !is(HOST, code)) {
      return false;
    }
  }
  return true;
}

function lastIndexWithin(text: string, character: string, start: number, end: number): number {
  for (let index = end - 1; index >= start; index--) if (text[index] === character) return index;
  return -1;
}

/** Decodes escapes; returns undefined if a percent sign does not start an escape. */
function decodePath(url: string, start: number, end: number): string | undefined {
  let text = "";
  let plain = start;
  for (let index = url.indexOf("%", start); index >= 0 && index < end; index = url.indexOf("%", plain)) {
    text += url.slice(plain, index);
    const bytes: number[] = [];
    for (plain = index; plain < end && url.charCodeAt(plain) === PERCENT; plain += 3) {
      if (!isEscape(url, plain, end)) return undefined;
      bytes.push(escapedByte(url, plain));
    }
    text += decodeUtf8(bytes);
  }
  return plain === start ? url.slice(start, end) : text + url.slice(plain, end);
}

function isEscape(url: string, percent: number, end: number): boolean {
  return percent + 2 < end && is(HEX, url.charCodeAt(percent + 1)) && is(HEX, url.charCodeAt(percent + 2));
}

function escapedByte(url: string, percent: number): number {
  return 16 * hexValue(url.charCodeAt(percent + 1)) + hexValue(url.charCodeAt(percent + 2));
}

function hexValue(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

/**
 * Decodes like Go's `range` over a string. `TextDecoder` would replace all bytes of a truncated character with a single
 * U+FFFD.
 */
function decodeUtf8(bytes: readonly number[]): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) {
    const lead = bytes[index]!;
    const length =
      lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    let code = length < 2 ? lead : lead & (0x7f >> length);
    let valid = length > 0;
    for (let next = index + 1; valid && next < index + length; next++) {
      const byte = bytes[next] ?? 0;
      valid = (byte & 0xc0) === 0x80;
      code = (code << 6) | (byte & 0x3f);
    }
    if (length === 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) valid = false;
    if (length === 4 && (code < 0x1_0000 || code > 0x10_ffff)) valid = false;
    text += valid ? String.fromCodePoint(code) : "\ufffd";
    if (valid) index += length - 1;
  }
  return text;
}

import { isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestPath } from "../../src/go/url.js";
import { runs } from "../support/amount.js";

describe("requestPath", () => {
  const piece = fc.constantFrom(
    ..."azAZ09/:@[]%?#.-+_~!$&'()*,;=<>\"\\^`{|} \t\x7f\x80é😀\u2028\ufeff",
    ...["//", "://", "http", "http://", "[::1]", "[fe80::1%25en0]", ":80", "u:p@", "%2", "%25", "%20", "%41"],
    ...["%c3%a9", "%e2%80", "%ff", "%ed%a0%80", "%f0%9f%98%80", "%c0", "%80", "%00"],
  );
  const pieces = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));

  test.each([
    { url: "/", path: "/", name: "the root" },
    { url: "/v1/x.js", path: "/v1/x.js", name: "a path" },
    { url: "/v1?q=/x", path: "/v1", name: "a query is not part of the path" },
    { url: "/?", path: "/", name: "an empty query" },
    { url: "/??", path: "/", name: "a query with a leading question mark" },
    { url: "/v1?%zz", path: "/v1", name: "a query may contain any character" },
    { url: "/a#z", path: "/a#z", name: "a fragment is part of the path" },
    { url: "/#/v1", path: "/#/v1", name: "a fragment with a slash" },
    { url: "/a b", path: "/a b", name: "a space" },
    { url: "/a|b^c{\\", path: "/a|b^c{\\", name: "odd characters" },
    { url: "/a+b;c=d", path: "/a+b;c=d", name: "a plus is not decoded" },
    { url: "*", path: "*", name: "an asterisk" },
    { url: "//host/v1", path: "//host/v1", name: "a path with two leading slashes" },
    { url: "///v1", path: "///v1", name: "three slashes" },
    { url: "http://h", path: "", name: "a missing path" },
    { url: "http://h?x=/y", path: "", name: "a missing path and a query" },
    { url: "http://h/", path: "/", name: "a root with a host" },
    { url: "http://h#a/b", path: undefined, name: "a fragment is part of the host" },
    { url: "http:///v1", path: "/v1", name: "an empty host" },
    { url: "http://", path: "", name: "an empty host and a missing path" },
    { url: "http:/v1", path: "/v1", name: "a scheme without a host" },
    { url: "http:", path: "", name: "a scheme alone" },
    { url: "http:?x", path: "", name: "a scheme and a query" },
    { url: "http:v1", path: "", name: "opaque" },
    { url: "mailto:a@b", path: "", name: "opaque mail" },
    { url: "a:b:c", path: "", name: "opaque with a colon" },
    { url: "a:%zz", path: "", name: "opaque with a bad escape" },
    { url: "HTTP://A/v1", path: "/v1", name: "capitals" },
    { url: "h+t-t.p2://a/v1/x", path: "/v1/x", name: "all characters of a scheme" },
    { url: "http://h//a//", path: "//a//", name: "slashes in the path" },
    { url: "http://a/b:c@d", path: "/b:c@d", name: "a colon and an at sign in the path" },
    { url: "http://10.0.0.1:8080/x", path: "/x", name: "a port" },
    { url: "http://h:/x", path: "/x", name: "an empty port" },
    { url: "http://:80/x", path: "/x", name: "a port alone" },
    { url: "http://h:99999/x", path: "/x", name: "a port out of range" },
    { url: "http://h:8:0/x", path: "/x", name: "only the last port is validated" },
    { url: "http://::1/x", path: "/x", name: "an address without brackets" },
    { url: "http://h:x:80/x", path: "/x", name: "anything before the last colon" },
    { url: "http://[::1]/x", path: "/x", name: "an address in brackets" },
    { url: "http://[::1]:80/x", path: "/x", name: "an address in brackets with a port" },
    { url: "http://[x]/x", path: "/x", name: "a name in brackets" },
    { url: "http://[]]/x", path: "/x", name: "two closing brackets" },
    { url: "http://a[b]c/x", path: "/x", name: "brackets within a host" },
    { url: "http://[fe80::1%25en0]/x", path: "/x", name: "a zone" },
    { url: "http://[fe80::1%25%41%20%25]:80/x", path: "/x", name: "escapes in a zone" },
    { url: "http://[fe80::1%25a]b%25]/x", path: "/x", name: "a zone ends at the last bracket" },
    { url: "http://%25/x", path: "/x", name: "an escaped percent sign as a host" },
    { url: "http://%c3%a9%ff/x", path: "/x", name: "escaped bytes in a host" },
    { url: "http://é.com/x", path: "/x", name: "letters in a host" },
    { url: "http://h\"<>'!$&()*+,;=~_-/x", path: "/x", name: "the characters of a host" },
    { url: "http://user:pw@h/x", path: "/x", name: "userinfo" },
    { url: "http://user@/x", path: "/x", name: "userinfo alone" },
    { url: "http://@h/x", path: "/x", name: "empty userinfo" },
    { url: "http://u@v@h/x", path: "/x", name: "an at sign in the userinfo" },
    { url: "http://u%41:%ff:!$&'()*+,;=-._~@h/x", path: "/x", name: "the characters of userinfo" },
    { url: "http://h@[::1]:1/x", path: "/x", name: "userinfo and an address" },
    { url: "/a%20b%2fc%2F", path: "/a b/c/", name: "escapes" },
    { url: "%2f", path: undefined, name: "an escaped slash is not a slash" },
    { url: "/a%3fb?c", path: "/a?b", name: "an escaped question mark" },
    { url: "/%2520", path: "/%20", name: "decoded once" },
    { url: "/a%0Ab%00%7f", path: "/a\nb\0\x7f", name: "escaped control characters" },
    { url: "/%C3%A9%e2%80%a8%F0%9F%98%80", path: "/é\u2028😀", name: "escaped UTF-8" },
    { url: "/é%C3%A9é", path: "/ééé", name: "escaped and unescaped characters" },
    { url: "/%ff%fe", path: "/\ufffd\ufffd", name: "invalid UTF-8" },
    { url: "/%e2%80", path: "/\ufffd\ufffd", name: "a truncated character" },
    { url: "/%f0%9f%98x%80", path: "/\ufffd\ufffd\ufffdx\ufffd", name: "a split character" },
    { url: "/%e2%80é", path: "/\ufffd\ufffdé", name: "a character truncated by another" },
    { url: "/%c0%80%c1%bf", path: "/\ufffd\ufffd\ufffd\ufffd", name: "two bytes for an ASCII character" },
    { url: "/%e0%9f%bf%e0%a0%80", path: "/\ufffd\ufffd\ufffd\u0800", name: "three bytes instead of two" },
    {
      url: "/%ed%a0%80%ed%9f%bf%ee%80%80",
      path: "/\ufffd\ufffd\ufffd\ud7ff\ue000",
      name: "an encoded surrogate",
    },
    {
      url: "/%f0%8f%bf%bf%f0%90%80%80",
      path: "/\ufffd\ufffd\ufffd\ufffd\u{10000}",
      name: "four bytes instead of three",
    },
    {
      url: "/%f4%8f%bf%bf%f4%90%80%80",
      path: "/\u{10ffff}\ufffd\ufffd\ufffd\ufffd",
      name: "beyond U+10FFFF",
    },
    { url: "/%f5%80%80%80%f8", path: "/\ufffd\ufffd\ufffd\ufffd\ufffd", name: "invalid leading bytes" },
    { url: "/%ef%bb%bfa", path: "/\ufeffa", name: "a byte order mark is preserved" },
    { url: "/%ef%bf%bd", path: "/\ufffd", name: "an escaped U+FFFD" },
    { url: "/v1\u0080\u2028😀", path: "/v1\u0080\u2028😀", name: "control characters beyond ASCII" },
  ])("parses $name: $url", ({ url, path }) => {
    expect(requestPath(url)).toBe(path);
    expect(naivePath(url)).toBe(path);
  });

  test.each([
    { url: "", name: "nothing" },
    { url: "foo", name: "a relative path" },
    { url: "foo/bar", name: "a relative path with two segments" },
    { url: "10.0.0.1:8080/x", name: "a host that begins with a digit" },
    { url: "[::1]:80/x", name: "an address" },
    { url: "**", name: "two asterisks" },
    { url: "*?x", name: "an asterisk with a query" },
    { url: "?x=1", name: "a query alone" },
    { url: "#a", name: "a fragment alone" },
    { url: " /v1", name: "a space before it" },
    { url: ":foo", name: "a missing scheme before the colon" },
    { url: "://h/v1", name: "a missing scheme before the host" },
    { url: "1http://a/v1", name: "a scheme that begins with a digit" },
    { url: "-h://h/v1", name: "a scheme that begins with a hyphen" },
    { url: "h_h://h/v1", name: "an underscore in the scheme" },
    { url: "ht!tp://x/v1", name: "an exclamation mark in the scheme" },
    { url: "hé://x/v1", name: "a letter beyond ASCII in the scheme" },
    { url: "/a\nb", name: "a newline" },
    { url: "/v1\t", name: "a tab" },
    { url: "/a?\0", name: "a control character in the query" },
    { url: "/a\x7fb", name: "DEL" },
    { url: "a:\x1f", name: "a control character in an opaque URL" },
    { url: "/%", name: "a percent sign at the end" },
    { url: "/%2", name: "half an escape" },
    { url: "/%2?0", name: "an escape truncated by the query" },
    { url: "/%zz", name: "a bad escape" },
    { url: "/%2é", name: "an escape with a letter" },
    { url: "/%41%4g", name: "a bad escape after a good one" },
    { url: "http://a b/x", name: "a space in the host" },
    { url: "http://a%20b/x", name: "an escaped space in the host" },
    { url: "http://%41/x", name: "an escaped letter in the host" },
    { url: "http://%7f/x", name: "an escaped DEL in the host" },
    { url: "http://h%/x", name: "a bad escape in the host" },
    { url: "http://h%c/x", name: "an escape truncated by the path" },
    { url: "http://h\\/x", name: "a backslash in the host" },
    { url: "http://{h}/x", name: "braces in the host" },
    { url: "http://h|^`/x", name: "other characters in the host" },
    { url: "http://h:abc/x", name: "a port of letters" },
    { url: "http://h:８/x", name: "a port of other digits" },
    { url: "http://h:-1/x", name: "a negative port" },
    { url: "http://h:80:x/x", name: "a bad last port" },
    { url: "http://[::1/x", name: "an open bracket" },
    { url: "http://[::1]x/x", name: "a letter after the bracket" },
    { url: "http://[::1]80/x", name: "a port without its colon" },
    { url: "http://[::1]:x/x", name: "a bad port after the bracket" },
    { url: "http://[::1%en0]/x", name: "a zone without its escape" },
    { url: "http://[::1%41]/x", name: "an escaped letter in an address" },
    { url: "http://[::1%25%0a]/x", name: "an escaped newline in a zone" },
    { url: "http://[::1%25%c3%a9]/x", name: "escaped UTF-8 in a zone" },
    { url: "http://[::1%25%2f]/x", name: "an escaped slash in a zone" },
    { url: "http://[::1%25a b]/x", name: "a space in a zone" },
    { url: "http://[::1%25]%41]%41/x", name: "an escape after the bracket" },
    { url: "http://us er@h/x", name: "a space in the userinfo" },
    { url: "http://u\\@h/x", name: "a backslash in the userinfo" },
    { url: "http://[u]@h/x", name: "brackets in the userinfo" },
    { url: "http://é@h/x", name: "a letter beyond ASCII in the userinfo" },
    { url: "http://%zz@h/x", name: "a bad escape in the userinfo" },
    { url: "http://u%4:1@h/x", name: "an escape truncated by the colon" },
    { url: "http://u%4@h/x", name: "an escape truncated by the at sign" },
  ])("rejects $name: $url", ({ url }) => {
    expect(requestPath(url)).toBeUndefined();
    expect(naivePath(url)).toBeUndefined();
  });

  test.each([
    { host: "[::1]", name: "the loopback address" },
    { host: "[::]", name: "the unspecified address" },
    { host: "[::1]:80", name: "a port" },
    { host: "[::1]:", name: "an empty port" },
    { host: "u:p@[::1]", name: "userinfo" },
    { host: "[0:0:0:0:0:0:0:1]", name: "eight groups" },
    { host: "[1:2:3:4:5:6:7::]", name: "`::` for one group" },
    { host: "[::ffff:1.2.3.4]", name: "an embedded IPv4 address" },
    { host: "[FE80::1%25eth0]", name: "a zone" },
    { host: "[::1%25%20é]", name: "a zone with an escaped space and a letter beyond ASCII" },
    { host: "[::1%25%25]", name: "a percent sign as the zone" },
    { host: "a]", name: "a closing bracket alone" },
    { host: "::1", name: "colons without brackets" },
    { host: "a:b:80", name: "two colons" },
  ])("Go 1.26 accepts $name: $host", ({ host }) => {
    expect(requestPath(`http://${host}/x`, "go1.26")).toBe("/x");
    expect(requestPath(`http://${host}/x`, "go1.23")).toBe("/x");
  });

  test.each([
    { host: "[]", name: "empty brackets" },
    { host: "[abc]", name: "a name" },
    { host: "[10.0.0.1]", name: "an IPv4 address" },
    { host: "[1.2.3.4]:80", name: "an IPv4 address with a port" },
    { host: "[v1.a]", name: "a later version of addresses" },
    { host: "[1:2]", name: "two groups" },
    { host: "[1:2:3:4:5:6:7:8:9]", name: "nine groups" },
    { host: "[1:2:3:4::5:6:7:8]", name: "`::` for no group" },
    { host: "[1::2::3]", name: "`::` twice" },
    { host: "[:::]", name: "three colons" },
    { host: "[1:2:3:4:5:6:7:]", name: "a colon at the end" },
    { host: "[::g]", name: "a group that is not hexadecimal" },
    { host: "[::12345]", name: "a group of five digits" },
    { host: "[::1.2.3]", name: "three octets" },
    { host: "[::01.2.3.4]", name: "an octet with a leading zero" },
    { host: "[::1.2.3.256]", name: "an octet beyond 255" },
    { host: "[1.2.3.4::]", name: "an IPv4 address at the beginning" },
    { host: "[1:2:3:4:5:6:7:1.2.3.4]", name: "an IPv4 address after seven groups" },
    { host: "[::1%25]", name: "an empty zone" },
    { host: "[%25eth0]", name: "a zone alone" },
    { host: "a[b]", name: "a name before the bracket" },
    { host: "a[::1]:80", name: "a name before an address" },
    { host: "[[::1]", name: "two opening brackets" },
    { host: "[::1]]", name: "two closing brackets" },
    { host: "a@[b]", name: "a name after userinfo" },
  ])("Go 1.26 rejects $name, which Go 1.23 accepts: $host", ({ host }) => {
    expect(requestPath(`http://${host}/x`, "go1.26")).toBeUndefined();
    expect(requestPath(`http://${host}/x`, "go1.23")).toBe("/x");
  });

  test("Go 1.26 accepts what Go 1.23 accepts, except for hosts in brackets that are not IPv6 addresses", () => {
    const start = fc.constantFrom("/", "http://", "http://[", "http://[::", "http://[1::2%25");
    const end = fc.constantFrom("", "]/x", "]:80/x");
    const group = fc.constantFrom(
      "1",
      "ffff",
      "12345",
      "g",
      "1.2.3.4",
      "::",
      ":",
      ":0:0:0:0:0:0:",
      "%25a",
      "[",
    );
    const middle = fc.oneof(
      fc.array(group, { maxLength: 5 }).map((groups) => groups.join("")),
      pieces,
    );
    fc.assert(
      fc.property(start, middle, end, (before, between, after) => {
        const url = before + between + after;
        const path = requestPath(url);
        expect(requestPath(url, "go1.26")).toBe(hasStrictHost(url) ? path : undefined);
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("agrees with a naive implementation", () => {
    const start = fc.constantFrom("", "/", "http://", "http://h/", "http://[", "x:");
    fc.assert(
      fc.property(start, pieces, (before, after) => {
        expect(requestPath(before + after)).toBe(naivePath(before + after));
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("decodes every byte as UTF-8 decoded one character after the other", () => {
    const byte = fc.oneof(
      fc.nat(255),
      fc.constantFrom(
        0x7f,
        0x80,
        0x8f,
        0x90,
        0x9f,
        0xa0,
        0xbf,
        0xc1,
        0xc2,
        0xdf,
        0xe0,
        0xed,
        0xef,
        0xf0,
        0xf4,
        0xf5,
      ),
    );
    fc.assert(
      fc.property(fc.array(byte), (bytes) => {
        const escapes = bytes.map((value) => `%${value.toString(16).padStart(2, "0")}`).join("");
        expect(requestPath(`/${escapes}`)).toBe(`/${naiveUtf8(bytes)}`);
      }),
      { numRuns: runs(2000) },
    );
  });

  test("accepts any string", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (url) => {
        expect(["string", "undefined"]).toContain(typeof requestPath(url));
      }),
    );
  });

  test.each([
    { name: "escapes", url: `/${"%ff".repeat(50_000)}`, length: 50_001 },
    { name: "separate escapes", url: `/${"%41x".repeat(50_000)}`, length: 100_001 },
    { name: "at signs", url: `http://${"@".repeat(100_000)}/x`, length: 2 },
    { name: "colons", url: `http://${":".repeat(100_000)}/x`, length: 2 },
    { name: "brackets", url: `http://${"[".repeat(100_000)}]/x`, length: 2 },
    { name: "a long scheme", url: `${"a".repeat(100_000)}:/x`, length: 2 },
  ])("supports hostile URLs: $name", ({ url, length }) => {
    expect(requestPath(url)).toHaveLength(length);
  });
});

const HOST = /^(?:[-\w.~!$&'()*+,;=:[\]<>"\u0080-\uffff]|%25|%[89a-f][0-9a-f])*$/i;
const ZONE =
  /^(?:[-\w.~!$&'()*+,;=:[\]<>"\u0080-\uffff]|%2[0-24-9a-e]|%3[0-9a-e]|%4[1-9a-f]|%5[0-9abdf]|%6[1-9a-f]|%7[0-9ae])*$/i;
const USERINFO = /^(?:[-\w.~!$&'()*+,;=:@]|%[0-9a-f]{2})*$/i;

/** A naive implementation of net/url with regular expressions and slices: obviously correct rather than fast. */
function naivePath(url: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters on purpose
  if (url === "" || /[\x00-\x1f\x7f]/.test(url)) return undefined;
  if (url === "*") return "*";
  const scheme = /^[a-z][-+.a-z0-9]*:/i.exec(url)?.[0] ?? "";
  let rest = url.slice(scheme.length).split("?")[0] ?? "";
  if (!rest.startsWith("/")) return scheme === "" ? undefined : "";
  if (scheme !== "" && rest.startsWith("//")) {
    const [, authority = "", path = ""] = /^\/\/([^/]*)(.*)$/su.exec(rest) ?? [];
    const [, userinfo = "", host = ""] = /^(?:(.*)@)?([^@]*)$/su.exec(authority) ?? [];
    if (!USERINFO.test(userinfo) || !isNaiveHost(host)) return undefined;
    rest = path;
  }
  if (/%(?![0-9a-f]{2})/i.test(rest)) return undefined;
  const bytes = (rest.match(/%..|[^%]+/gsu) ?? []).flatMap((part) =>
    part.startsWith("%") ? [Number.parseInt(part.slice(1), 16)] : [...new TextEncoder().encode(part)],
  );
  return naiveUtf8(bytes);
}

function isNaiveHost(host: string): boolean {
  if (!host.startsWith("[")) return /^(?:[^:]*|.*:[0-9]*)$/su.test(host) && HOST.test(host);
  const inside = /^\[(.*)\](?::[0-9]*)?$/su.exec(host)?.[1];
  if (inside === undefined) return false;
  const zone = inside.indexOf("%25");
  if (zone < 0) return HOST.test(inside);
  return HOST.test(inside.slice(0, zone)) && ZONE.test(inside.slice(zone));
}

function naiveUtf8(bytes: readonly number[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lengths = [1, 2, 3, 4].filter((length) => at + length <= bytes.length);
    const length = lengths.find((candidate) => isUtf8(Uint8Array.from(bytes.slice(at, at + candidate))));
    text += length === undefined ? "\ufffd" : decoder.decode(Uint8Array.from(bytes.slice(at, at + length)));
    at += length ?? 1;
  }
  return text;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether the host of a URL has no opening bracket, or is an IPv6 address in brackets according to Node. */
function hasStrictHost(url: string): boolean {
  const authority = /^[^/?]*:\/\/([^/?]*)/.exec(url)?.[1] ?? "";
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (host.lastIndexOf("[") !== 0) return !host.includes("[");
  const [, address, zone] = /^\[([^%]*?)(?:%25(.+))?\](?::\d*)?$/su.exec(host) ?? [];
  return address !== undefined && isIPv6(zone === undefined ? address : `${address}%zone`);
}

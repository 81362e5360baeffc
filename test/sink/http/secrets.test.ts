import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, describeUrl } from "../../../src/sink/http/secrets.js";

test("describeUrl: leaves out credentials, query and fragment", () => {
  expect(describeUrl(new URL("https://user:pass@host:8443/a/b?query=x#f"))).toBe("https://host:8443/a/b");
});

test.each<[string, string, Record<string, string>, string, string]>([
  ["the value of a header", "http://h/", { "X-Key": "abcd" }, "key abcd, abcdabcd", "key ***, ******"],
  [
    "the token of a header",
    "http://h/",
    { Authorization: "Bearer t0ken" },
    "t0ken is expired",
    "*** is expired",
  ],
  ["the longer one of two values", "http://h/", { A: "abcd", B: "abcdef" }, "abcdef", "***"],
  ["a password, decoded", "http://u:p%40ss@h/", {}, "p@ss p%40ss", "*** ***"],
  ["basic authentication", "http://u:p%40ss@h/", {}, "dTpwQHNz", "***"],
  ["a secret parameter", "http://h/?api_key=k%26ey&query=INSERT", {}, "k&ey k%26ey INSERT", "*** *** INSERT"],
  ["nothing else", "http://h/", { Accept: "*/*" }, "a */* b", "a */* b"],
])("createRedactor: hides %s", (_, url, headers, text, expected) => {
  expect(createRedactor(new URL(url), headers)(text)).toBe(expected);
});

test("createRedactor: no text contains the value of a header afterwards", () => {
  const value = fc.stringMatching(/^[!-~]{4,20}$/).filter((one) => !one.includes("*"));
  fc.assert(
    fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
      const redact = createRedactor(new URL("http://h/"), { "X-Key": secret });
      expect(redact(`${before}${secret}${after}`)).not.toContain(secret);
    }),
  );
});

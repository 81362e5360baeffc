import fc from "fast-check";
import { expect, test } from "vitest";
import { suggest } from "../../src/errors/suggest.js";

const WORDS = ["observe", "record", "serve", "status", "completion"];

test.each([
  { word: "observ", meant: "observe" },
  { word: "obsreve", meant: "observe" },
  { word: "recrod", meant: "record" },
  { word: "sevre", meant: "serve" },
  { word: "comp", meant: "completion" },
  { word: "s", meant: undefined },
  { word: "x", meant: undefined },
  { word: "", meant: undefined },
  { word: "listen", meant: undefined },
  { word: "observe".repeat(100), meant: undefined },
])("suggest: $word results in $meant", ({ word, meant }) => {
  expect(suggest(word, WORDS)).toBe(meant);
});

test("suggest: finds a name with one letter less, more or different", () => {
  fc.assert(
    fc.property(fc.constantFrom(...WORDS), fc.nat(), fc.constantFrom("", "q", "qx"), (word, at, letters) => {
      const index = at % word.length;
      const misspelt = word.slice(0, index) + letters + word.slice(index + 1);
      // With a letter less it may also be another name.
      const meant = suggest(misspelt, [word]);
      expect(meant).toBe(word);
    }),
  );
});

test.each([
  { given: "maxBytes", meant: "maxFileBytes" },
  { given: "max_file_bytes", meant: "maxFileBytes" },
  { given: "MAXBACKUPS", meant: "maxBackups" },
  { given: "maxbackups", meant: "maxBackups" },
  { given: "max", meant: undefined },
  { given: "bytes", meant: undefined },
  { given: "fieldAggregate", meant: undefined },
  { given: "--", meant: undefined },
])("suggest: $given results in $meant among camelCase names", ({ given, meant }) => {
  expect(suggest(given, ["maxFileBytes", "maxBackups", "fieldMask"])).toBe(meant);
});

test.each([
  { word: "destPort", meant: "destination_port" },
  { word: "dest_ip", meant: "destination_ip" },
  { word: "srcPort", meant: undefined },
  { word: "port", meant: undefined },
])("suggest: expands the abbreviation $word to $meant", ({ word, meant }) => {
  expect(suggest(word, ["source_port", "destination_port", "destination_ip", "destination_ip_x"])).toBe(
    meant,
  );
});

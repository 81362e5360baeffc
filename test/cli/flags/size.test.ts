import { expect, test } from "vitest";
import { parseSize } from "../../../src/cli/flags/size.js";

test.each([
  { text: "1", bytes: 1 },
  { text: "1500B", bytes: 1500 },
  { text: "1kB", bytes: 1000 },
  { text: "1KB", bytes: 1000 },
  { text: "1KiB", bytes: 1024 },
  { text: "100MB", bytes: 100_000_000 },
  { text: "64MiB", bytes: 67_108_864 },
  { text: "2GB", bytes: 2_000_000_000 },
  { text: "1GiB", bytes: 1_073_741_824 },
])("parseSize: parses $text as $bytes bytes", ({ text, bytes }) => {
  expect(parseSize("x", text)).toBe(bytes);
});

test.each(["", "0", "MB", "1.5MB", "-1", "1 MB", "1m", "1e6", "99999999999GiB"])(
  "parseSize: rejects %j",
  (text) => {
    expect(() => parseSize("rotate-size", text)).toThrow(
      `invalid size for --rotate-size: ${text}, expected a number of bytes, or with kB, MB, GB, KiB, MiB or GiB`,
    );
  },
);

import { describe, expect, test } from "vitest";
import {
  linkTypeNumbers,
  toFileLinkType,
  toMemoryLinkType,
} from "../../../src/source/libpcap/memory-link-type.js";

const LINUX = [
  { memory: 11, file: 100 },
  { memory: 12, file: 101 },
  { memory: 15, file: 102 },
  { memory: 16, file: 103 },
  { memory: 19, file: 106 },
];
const OPENBSD = LINUX.map(({ memory, file }) => ({ memory: file === 101 ? 14 : memory, file }));
const FREEBSD = LINUX.map(({ memory, file }) => ({
  memory: file === 102 || file === 103 ? memory - 2 : memory,
  file,
}));

describe.each([
  { platform: "linux", numbers: LINUX },
  { platform: "darwin", numbers: LINUX },
  { platform: "win32", numbers: LINUX },
  { platform: "openbsd", numbers: OPENBSD },
  { platform: "freebsd", numbers: FREEBSD },
  { platform: "netbsd", numbers: FREEBSD },
])("linkTypeNumbers: on $platform", ({ platform, numbers }) => {
  const { toFile, toMemory } = linkTypeNumbers(platform);

  test.each(numbers)("$memory in memory is $file in files", ({ memory, file }) => {
    expect(toFile(memory)).toBe(file);
    expect(toMemory(file)).toBe(memory);
  });

  test("all others are the same", () => {
    const special = new Set([...numbers.flatMap(({ memory, file }) => [memory, file]), 12, 14]);
    const others = Array.from({ length: 0x10000 }, (_, linkType) => linkType).filter(
      (linkType) => !special.has(linkType),
    );
    expect(others.map(toFile)).toEqual(others);
    expect(others.map(toMemory)).toEqual(others);
  });

  test("a file with either number of raw IP in memory has raw IP", () => {
    expect([toMemory(12), toMemory(14)]).toEqual([toMemory(101), toMemory(101)]);
  });
});

test("toFileLinkType: uses the numbers of this system", () => {
  const { toFile, toMemory } = linkTypeNumbers(process.platform);
  for (let linkType = 0; linkType < 300; linkType++) {
    expect(toFileLinkType(linkType)).toBe(toFile(linkType));
    expect(toMemoryLinkType(linkType)).toBe(toMemory(linkType));
  }
});

import { Minimatch, type MinimatchOptions } from "minimatch";
import { compileNodeNamePatterns, parseNodeNamePattern } from "../../src/filter/pattern/pattern.js";
import { type Contest, type Engine, installed } from "./engine.js";
import { NAME_CASES } from "./name-cases.js";

const own: Engine = {
  name: "flowscribe filter/pattern",
  compile(text) {
    const pattern = parseNodeNamePattern(text);
    if (typeof pattern === "string") throw new Error(pattern);
    return compileNodeNamePatterns([pattern]);
  },
};

/** Names without a cluster get the one that Hubble gives them. */
function minimatchEngine(note: string, options: MinimatchOptions): Engine {
  return {
    name: `${installed("minimatch")}${note}`,
    compile(text) {
      const pattern = new Minimatch(text, { platform: "linux", ...options });
      return (name) => pattern.match(name.includes("/") ? name : `default/${name}`);
    },
  };
}

export const names: Contest = {
  title: "Patterns of node names, as Hubble's node_name",
  cases: NAME_CASES,
  canary: ["a/b", "a/b", true],
  engines: [
    own,
    minimatchEngine("", {}),
    minimatchEngine(", best options", {
      dot: true,
      matchBase: true,
      nobrace: true,
      nocomment: true,
      noext: true,
      noglobstar: true,
      nonegate: true,
    }),
  ],
};

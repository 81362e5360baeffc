// Regular expressions can run on an engine of your own: here re2-wasm, and what then changes.
import { create } from "@bufbuild/protobuf";
import { FilterError } from "flowscribe";
import { compileFlowFilter, type RegexEngine, re2jsEngine } from "flowscribe/filter";
import { FlowSchema } from "flowscribe/proto";
import { RE2 } from "re2-wasm";

const re2wasmEngine: RegexEngine = {
  compile(pattern) {
    const compiled = new RE2(pattern, "u");
    return (text) => compiled.test(text);
  },
};

const flows = Array.from({ length: 10_000 }, (_, index) =>
  create(FlowSchema, {
    l7: { record: { case: "http", value: { url: `/${index % 3 === 0 ? "users" : "carts"}/${index}` } } },
  }),
);

// The same answers, at another speed.
for (const [name, regex] of Object.entries({ re2js: re2jsEngine, "re2-wasm": re2wasmEngine })) {
  const wanted = compileFlowFilter({ httpUrl: ["^/(users|orders)/[0-9]+$"] }, { regex });
  flows.filter(wanted); // to warm up
  const start = performance.now();
  const matched = flows.filter(wanted).length;
  const nanoseconds = ((performance.now() - start) * 1e6) / flows.length;
  console.log(`${name}: ${matched} of ${flows.length} flows match, ${nanoseconds.toFixed(0)} ns each`);
}

// Its heap has 16 MiB, and no pattern is ever freed: a service that takes filters from clients must not use it.
let compiled = 0;
try {
  for (; compiled < 1000; compiled++) {
    compileFlowFilter({ httpUrl: [`^[^ ]{900}${compiled}$`] }, { regex: re2wasmEngine });
  }
} catch (error) {
  if (!(error instanceof FilterError)) throw error;
  console.log(`re2-wasm is full after ${compiled} large patterns: ${error.message.slice(0, 120)}…`);
}

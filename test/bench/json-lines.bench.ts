// jsonLine over the corpus as export lines against JSON.parse alone, and `flowscribe observe -o raw` against jq.
import { create } from "@bufbuild/protobuf";
import { compileFlowFilters } from "../../dist/filter/index.js";
import { encodeExportLine } from "../../dist/observer/index.js";
import { decodeFlow, GetFlowsResponseSchema } from "../../dist/proto.js";
import { benchmarkFilters, encodedFlows, GO_FIGURES } from "./corpus.js";
import { alternate, formatFigures } from "./measure.js";

const ROUNDS = 5;

export async function run(): Promise<void> {
  compareWithParsing();
}

/** The flows of the corpus as Hubble exports them. */
function exportLines(): string[] {
  return encodedFlows().map((bytes) => {
    const flow = decodeFlow(bytes);
    const { time } = flow;
    const responseTypes = { case: "flow", value: flow } as const;
    return encodeExportLine(
      create(GetFlowsResponseSchema, { responseTypes, nodeName: flow.nodeName, ...(time && { time }) }),
    );
  });
}

function compareWithParsing(): void {
  const texts = exportLines();
  const lines = texts.map((text) => new TextEncoder().encode(text));
  const count = lines.length;
  const bytes = lines.reduce((sum, { length }) => sum + length, 0);
  console.log(
    `${count} lines of ${(bytes / count).toFixed(0)} bytes; µs a line, median of ${ROUNDS} (min–max)`,
  );
  const logs: number[] = [];
  for (const { name, allow = [], deny = [] } of benchmarkFilters()) {
    const matches = compileFlowFilters({ allow, deny });
    let matched = 0;
    const works = {
      jsonLine: () => {
        const start = process.hrtime.bigint();
        matched = 0;
        for (let index = 0; index < count; index++) if (matches.jsonLine(lines[index]!)) matched++;
        return Number(process.hrtime.bigint() - start) / 1000 / count;
      },
      parse: () => {
        const start = process.hrtime.bigint();
        let objects = 0;
        for (let index = 0; index < count; index++) if (JSON.parse(texts[index]!) !== null) objects++;
        if (objects < count) throw new Error("a line is null");
        return Number(process.hrtime.bigint() - start) / 1000 / count;
      },
    };
    // To warm up.
    alternate(1, works);
    const { jsonLine, parse } = alternate(ROUNDS, works);
    if (matched !== GO_FIGURES[name]?.matched) throw new Error(`${name}: ${matched} lines match`);
    const ratio = jsonLine.median / parse.median;
    logs.push(Math.log(ratio));
    console.log(
      `  ${name.padEnd(34)} ${formatFigures(jsonLine, "µs", 2)}, JSON.parse ${formatFigures(parse, "µs", 2)}, ${ratio.toFixed(2)}`,
    );
  }
  const mean = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  console.log(`  geometric mean of the ratios: ${mean.toFixed(3)}`);
}

/**
 * Compiles random pcap-filter expressions for several link types: `compile-random.ts <seed> <count> <most primitives>`. Prints how many were
 * compiled and rejected, and the slowest.
 */
import { FlowscribeError } from "../../../../src/errors/errors.js";
import { compileExpression } from "../../../../src/source/libpcap/index.js";
import { createRandom } from "../../../packet/random.js";
import { randomExpression } from "../random-expression.js";

const LINK_TYPES = [1, 101, 105, 113, 127, 192, 276];

const [seed = 1, count = 100, size = 100] = process.argv.slice(2).map(Number);
const random = createRandom(seed);
let [compiled, refused, tooLarge, slowestMs, slowest] = [0, 0, 0, 0, ""];
for (let index = 0; index < count; index++) {
  const text = randomExpression(random, 1 + random.below(size));
  const linkType = random.pick(LINK_TYPES);
  const start = performance.now();
  try {
    await compileExpression(text, { linkTypes: [linkType] });
    compiled++;
  } catch (error) {
    if (!(error instanceof FlowscribeError) || error.code !== "invalid_expression") throw error;
    if (error.message.includes("are the limit")) tooLarge++;
    else refused++;
  }
  const ms = performance.now() - start;
  if (ms > slowestMs) [slowestMs, slowest] = [ms, `${linkType} ${text}`];
}
console.log(JSON.stringify({ compiled, refused, tooLarge, slowestMs: Math.round(slowestMs), slowest }));

// Writes src/gen/decoders.ts from the descriptors: `npm run generate`. A test checks that the file is current.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DescMessage } from "@bufbuild/protobuf";
import { FlowSchema } from "../../src/gen/flow/flow_pb.js";
import { GetFlowsResponseSchema } from "../../src/gen/observer/observer_pb.js";
import { imports } from "./imports.js";
import { layoutOf, type MessageLayout } from "./layout.js";
import { messageCode } from "./message-code.js";
import { PRELUDE } from "./prelude.js";

export const DECODERS_PATH = "src/gen/decoders.ts";

/** The messages that are decoded by themselves; those that they contain are added. */
const ROOTS: readonly DescMessage[] = [FlowSchema, GetFlowsResponseSchema];

/** The text of the file with the decoders. */
export function generateDecoders(): string {
  const layouts = collect(ROOTS);
  const code = layouts.map((layout) => messageCode(layout, ROOTS.includes(layout.desc)));
  return [imports(layouts), PRELUDE, ...code].join("\n");
}

/** The layouts of messages and of all that they contain, each after those that it contains. */
function collect(roots: readonly DescMessage[]): MessageLayout[] {
  const layouts = new Map<DescMessage, MessageLayout>();
  const add = (desc: DescMessage, parents: readonly DescMessage[]) => {
    if (parents.includes(desc)) throw new Error(`${desc.typeName} contains itself, which is not supported`);
    if (layouts.has(desc)) return;
    const layout = layoutOf(desc);
    for (const { message } of layout.fields) if (message !== undefined) add(message, [...parents, desc]);
    layouts.set(desc, layout);
  };
  for (const root of roots) add(root, []);
  return [...layouts.values()];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(join(import.meta.dirname, "../..", DECODERS_PATH), generateDecoders());
}

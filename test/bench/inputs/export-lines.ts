import { create } from "@bufbuild/protobuf";
import { encodeExportLine } from "../../../dist/observer/index.js";
import { decodeFlow, GetFlowsResponseSchema } from "../../../dist/proto.js";
import { encodedFlows } from "./corpus.js";

/** The flows of the corpus as Hubble exports them. */
export function exportLines(): string[] {
  return encodedFlows().map((bytes) => {
    const flow = decodeFlow(bytes);
    const { time } = flow;
    const responseTypes = { case: "flow", value: flow } as const;
    return encodeExportLine(
      create(GetFlowsResponseSchema, { responseTypes, nodeName: flow.nodeName, ...(time && { time }) }),
    );
  });
}

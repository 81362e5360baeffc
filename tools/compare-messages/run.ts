// Prints where Hubble's messages differ from ours, to follow upstream: one line for each message, field, enum or value.
//
//   npm run compare:messages -- ../cilium/api/v1/flow/flow.proto
import { basename } from "node:path";
import type { DescFile } from "@bufbuild/protobuf";
import { file_flow_flow } from "../../src/gen/flow/flow_pb.js";
import { file_observer_observer } from "../../src/gen/observer/observer_pb.js";
import { file_peer_peer } from "../../src/gen/peer/peer_pb.js";
import { file_recorder_recorder } from "../../src/gen/recorder/recorder_pb.js";
import { file_relay_relay } from "../../src/gen/relay/relay_pb.js";
import { compareMessages, formatDifference, readProto } from "./compare.js";

/** Our files by the name of the file. */
const OURS: Readonly<Record<string, DescFile>> = {
  "flow.proto": file_flow_flow,
  "observer.proto": file_observer_observer,
  "peer.proto": file_peer_peer,
  "recorder.proto": file_recorder_recorder,
  "relay.proto": file_relay_relay,
};

const paths = process.argv.slice(2);
const unknown = paths.filter((path) => !Object.hasOwn(OURS, basename(path)));
if (paths.length === 0 || unknown.length > 0) {
  console.error(
    `expected paths of ${Object.keys(OURS).join(", ")}${unknown.map((path) => `; not ${path}`).join("")}`,
  );
  process.exit(2);
}
for (const path of paths) {
  const differences = compareMessages(OURS[basename(path)]!, readProto(path));
  for (const difference of differences) console.log(formatDifference(difference));
  if (differences.length === 0) console.log(`${path}: no differences`);
}

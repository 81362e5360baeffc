import type { Recording, RecordingStats } from "../../src/recorder/index.js";
import { settle } from "./sources.js";

/** What a recording does while the sink is busy. */
export const MODES = [{ whenBusy: "wait" }, { whenBusy: "drop" }] as const;

/** The settled outcome of a recording that must not be left pending. */
export async function outcomeOf(recording: Recording): Promise<PromiseSettledResult<unknown> | "pending"> {
  await settle();
  const settled = Promise.allSettled([recording.stopped]).then(([outcome]) => outcome);
  return Promise.race([settled, settle().then(() => "pending" as const)]);
}

export async function statsAtEnd({ updates }: Recording): Promise<RecordingStats | undefined> {
  let last: RecordingStats | undefined;
  for await (const stats of updates) last = stats;
  return last;
}

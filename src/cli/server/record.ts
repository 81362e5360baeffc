import { escapeControls } from "../../observer/format/escape.js";
import type { RecordingStats } from "../../recorder/stats.js";
import { type RemoteStats, recordRemote } from "../../rpc/index.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { interruptionCode } from "../interruption.js";
import type { Io } from "../io.js";
import { createMessages } from "../messages.js";
import { formatCounts, formatLine, showStatus } from "../record/status.js";
import { greet, openServer, serverError } from "./connect.js";
import type { RemoteRecordOptions } from "./record-options.js";

/**
 * Records on the server until a limit is reached or the signal of the io is aborted, which is how it ends well.
 *
 * @throws Error that names the server.
 */
export async function recordOnServer(
  { server, start, silent }: RemoteRecordOptions,
  io: Io,
): Promise<ExitCode> {
  const { signal, clock, stdout } = io;
  const messages = createMessages(io, { silent });
  await using transport = await openServer(server);
  try {
    await greet(transport, server, signal);
  } catch (error) {
    const interrupted = interruptionCode(signal);
    if (interrupted !== undefined) return interrupted;
    throw error;
  }
  const recording = recordRemote(transport, start);
  recording.started.then(
    () => messages.tell("Started recording. Press CTRL+C to stop."),
    () => {}, // Told by `stopped`.
  );
  const stop = () => {
    messages.tell("Stopping recording...");
    recording.stop();
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const endStatus = showStatus(messages, clock, () => localStats(recording.stats));
  try {
    const { stats, filePath } = await recording.stopped;
    endStatus();
    await stdout.write(`${formatLine(clock.now(), "Result", formatCounts(localStats(stats)))}\n`);
    await stdout.write(`${formatLine(clock.now(), "Output", escapeControls(filePath))}\n`);
    return EXIT.ok;
  } catch (error) {
    throw serverError(server.address, error);
  } finally {
    endStatus();
    signal.removeEventListener("abort", stop);
  }
}

/** What a server lost is one number, wherever it was. */
function localStats({ packetsLost, bytesLost, ...captured }: RemoteStats): RecordingStats {
  return {
    ...captured,
    packetsLostInQueue: packetsLost,
    bytesLostInQueue: bytesLost,
    packetsLostInKernel: 0,
  };
}

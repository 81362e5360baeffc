import { onAbort } from "../../async/abort.js";
import type { Clock } from "../../async/clock.js";
import { escapeControls } from "../../observer/format/escape.js";
import type { RecordingStats } from "../../recorder/stats.js";
import { type RemoteRecording, type RemoteStats, RpcError, recordRemote } from "../../rpc/index.js";
import { type ReachedServer, reachServer, serverError } from "../client/connect.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { interruptionCode } from "../io/interruption.js";
import type { Io } from "../io/io.js";
import { createMessages } from "../io/messages.js";
import type { RemoteRecordOptions } from "./remote-options.js";
import { formatCounts, formatLine, showStatus } from "./status.js";

/** How long to wait for a message from a server that was requested to stop, in milliseconds. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Records on the server until a limit is reached or the signal of the io is aborted. That stops the recording
 * gracefully, once the server has confirmed its start.
 *
 * @throws Error whose message names the server.
 */
export async function recordOnServer(
  { server: wanted, start, silent }: RemoteRecordOptions,
  io: Io,
): Promise<ExitCode> {
  const { signal, clock, stdout } = io;
  const messages = createMessages(io, { silent });
  let reached: ReachedServer;
  try {
    reached = await reachServer(wanted, io, messages);
  } catch (error) {
    const interrupted = interruptionCode(signal);
    if (interrupted !== undefined) return interrupted;
    throw error;
  }
  await using opened = reached;
  const { transport, server } = opened;
  const call = new AbortController();
  const recording = recordRemote(transport, start, { signal: call.signal });
  let isStarted = false;
  recording.started.then(
    () => {
      isStarted = true;
      messages.report("Started recording. Press CTRL+C to stop.");
    },
    () => {}, // Reported by `stopped`.
  );
  const stop = () => {
    // Nothing has been recorded yet.
    if (!isStarted) return call.abort(signal.reason);
    messages.report("Stopping recording...");
    recording.stop();
    void abortIfSilent(recording, call, clock);
  };
  const removeListener = onAbort(signal, stop);
  const endStatus = showStatus(messages, clock, () => localStats(recording.stats));
  try {
    const { stats, filePath } = await recording.stopped;
    endStatus();
    await stdout.write(`${formatLine(clock.now(), "Result", formatCounts(localStats(stats)))}\n`);
    await stdout.write(`${formatLine(clock.now(), "Output", escapeControls(filePath))}\n`);
    return EXIT.ok;
  } catch (error) {
    const interrupted = isStarted ? undefined : interruptionCode(signal);
    if (interrupted !== undefined) return interrupted;
    throw serverError(server.address, error);
  } finally {
    endStatus();
    removeListener();
  }
}

/** Aborts the call if the server sends nothing about the recording for {@link STOP_TIMEOUT_MS}. */
async function abortIfSilent(recording: RemoteRecording, call: AbortController, clock: Clock): Promise<void> {
  const wait = () =>
    clock.setTimer(STOP_TIMEOUT_MS, () => {
      const text = `the server did not confirm the stop within ${STOP_TIMEOUT_MS / 1000} s`;
      call.abort(new RpcError("DEADLINE_EXCEEDED", text));
    });
  let cancelTimer = wait();
  for await (const _ of recording.updates) {
    cancelTimer();
    cancelTimer = wait();
  }
  cancelTimer();
}

/** A server reports lost packets as one number, regardless of where they were lost. */
function localStats({ packetsLost, bytesLost, ...captured }: RemoteStats): RecordingStats {
  return {
    ...captured,
    packetsLostInQueue: packetsLost,
    bytesLostInQueue: bytesLost,
    packetsLostInKernel: 0,
  };
}

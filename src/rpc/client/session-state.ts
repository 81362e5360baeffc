import type { TransitionTable } from "../../async/state-machine.js";
import type { RpcError } from "../../recorder/service/error.js";

export type SessionState =
  /** The connection waits for the server's SETTINGS. */
  | { readonly name: "opening" }
  /** The connection accepts calls. */
  | { readonly name: "open" }
  /** The server has sent GOAWAY: only open calls continue. */
  | { readonly name: "draining" }
  | { readonly name: "ended"; readonly failure: RpcError };

export type SessionEvent =
  /** The first SETTINGS of the server. */
  | { readonly name: "settings" }
  | { readonly name: "goaway" }
  | { readonly name: "end"; readonly failure: RpcError };

const ended = (_: SessionState, { failure }: { readonly failure: RpcError }): SessionState => ({
  name: "ended",
  failure,
});

export const SESSION_TRANSITIONS: TransitionTable<SessionState, SessionEvent> = {
  opening: {
    settings: () => ({ name: "open" }),
    // SETTINGS may still follow. If not, the connection ends, and its failure includes the GOAWAY.
    goaway: "ignored",
    end: ended,
  },
  open: { settings: "impossible", goaway: () => ({ name: "draining" }), end: ended },
  draining: { settings: "impossible", goaway: "ignored", end: ended },
  // Node may still report frames that it received before the end.
  ended: { settings: "ignored", goaway: "ignored", end: "ignored" },
};

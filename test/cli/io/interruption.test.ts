import { expect, test } from "vitest";
import { interruptionCode, interruptionsOf } from "../../../src/cli/io/interruption.js";

function fakeProcess() {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  return {
    exits,
    on: (name: string, listener: () => void) => listeners.set(name, listener),
    exit: (code: number) => void exits.push(code),
    send: (name: string) => listeners.get(name)?.(),
  };
}

test.each([
  { name: "SIGINT", code: 130 },
  { name: "SIGTERM", code: 143 },
  { name: "SIGHUP", code: 129 },
])(
  "interruptionsOf: the first $name aborts with exit code $code, the second exits the process",
  ({ name, code }) => {
    const process = fakeProcess();
    const { signal } = interruptionsOf(process);
    expect(interruptionCode(signal)).toBeUndefined();
    process.send(name);
    expect(signal.aborted).toBe(true);
    expect(interruptionCode(signal)).toBe(code);
    expect(process.exits).toEqual([]);
    process.send(name);
    expect(process.exits).toEqual([code]);
  },
);

test("interruptionCode: treats an abort for another reason as an interruption", () => {
  expect(interruptionCode(AbortSignal.abort(new Error("over")))).toBe(130);
});

test("interruptionsOf: onHangUp takes SIGHUP until it is given back", () => {
  const process = fakeProcess();
  const { signal, onHangUp } = interruptionsOf(process);
  let hangUps = 0;
  const restore = onHangUp(() => hangUps++);
  process.send("SIGHUP");
  process.send("SIGHUP");
  expect([hangUps, signal.aborted, process.exits]).toEqual([2, false, []]);
  restore();
  process.send("SIGHUP");
  expect([hangUps, interruptionCode(signal)]).toEqual([2, 129]);
});

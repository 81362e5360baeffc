import { expect, test } from "vitest";
import { createMessages } from "../../../src/cli/io/messages.js";
import { fakeIo } from "../fake-io.js";

const CLEAR = "\r\x1b[K";

test("createMessages: clears the status line before a message, and truncates it to the width of the terminal", () => {
  const io = fakeIo({ stderrTerminal: true, columns: 10 });
  const messages = createMessages(io);
  expect(messages.hasStatus).toBe(true);
  messages.status("0123456789abc");
  messages.report("told");
  messages.report("again");
  messages.clearStatus();
  expect(io.err()).toBe(`${CLEAR}012345678${CLEAR}told\nagain\n`);
});

test("createMessages: prints no status line without a terminal", () => {
  const io = fakeIo();
  const messages = createMessages(io);
  expect(messages.hasStatus).toBe(false);
  messages.status("50%");
  messages.clearStatus();
  expect(io.err()).toBe("");
});

test("createMessages: escapes control characters in messages, and passes raw output through", () => {
  const io = fakeIo();
  const messages = createMessages(io);
  messages.report("a\u001b[2J\r\nb\u202e");
  messages.write("c\u001b[2J\n");
  expect(io.err()).toBe("a^[[2J\\r\nb\\u202e\nc\u001b[2J\n");
});

test("createMessages: prints nothing when silent", () => {
  const io = fakeIo({ stderrTerminal: true });
  const messages = createMessages(io, { silent: true });
  messages.report("a");
  messages.write("b");
  messages.status("c");
  expect(io.err()).toBe("");
  expect(messages.hasStatus).toBe(false);
});

test("createMessages: ignores a closed standard error", async () => {
  const io = fakeIo();
  const broken = new Error("EPIPE");
  const throwing = {
    ...io.stderr,
    write: () => {
      throw broken;
    },
  };
  const rejecting = { ...io.stderr, write: () => Promise.reject(broken) };
  createMessages({ stderr: throwing }).report("a");
  createMessages({ stderr: rejecting }).report("a");
  await new Promise((resolve) => setImmediate(resolve));
});

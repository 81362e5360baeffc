import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createStream } from "../nats/streams.js";
import { expectedOutput } from "../support/doc-examples.js";
import { KafkaMock } from "../support/kafka-mock.js";
import { NatsServer } from "../support/nats-server.js";
import { repository } from "../support/run.js";
import { describeWithPrograms } from "../support/shared.js";

// The programs of these pages need a server: `javascript` marks them, and `js` those that the test of all pages runs.

// Inside the package, so that its own name resolves to the build.
const folder = join(repository, "tmp", `broker-docs-${process.pid}`);
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true }));

function programs(page: string): string[] {
  const text = readFileSync(join(repository, "docs", page), "utf8");
  return [...text.matchAll(/^```javascript\n([\s\S]*?)^```$/gm)].map(([, program = ""]) => program);
}

/** Runs a program with another address of the server; returns what it printed. */
async function runProgram(name: string, program: string): Promise<string> {
  const path = join(folder, `${name}.mts`);
  writeFileSync(path, program);
  return new Promise((resolve, reject) => {
    // Through tsx, because Node 20 does not know `await using`.
    execFile(process.execPath, ["--import", "tsx", path], { cwd: repository }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${name}: ${error.message}\n${stderr}${stdout}`));
    });
  });
}

/** The programs of a page, in their order: the second one reads what the first one has written. */
async function runPage(page: string, withServer: (program: string) => string): Promise<void> {
  const [write, read, ...others] = programs(page);
  expect(others).toEqual([]);
  for (const [index, program] of [write ?? "", read ?? ""].entries()) {
    const replaced = withServer(program);
    expect(replaced).not.toBe(program);
    const printed = await runProgram(`${page.replace(".md", "")}-${index}`, replaced);
    const expected = expectedOutput(program);
    expect(expected.length).toBeGreaterThan(0);
    for (const line of expected) expect(printed).toMatch(line);
  }
}

describeWithPrograms("docs/nats.md", ["nats-server"], () => {
  test("the programs run on nats-server and print the documented output", async () => {
    await using server = await NatsServer.start();
    await createStream(server.url);
    await runPage("nats.md", (program) => program.replace("nats://127.0.0.1:4222", server.url));
  });
});

describeWithPrograms("docs/kafka.md", ["kcat"], () => {
  test("the programs run on the mock cluster and print the documented output", async () => {
    await using mock = await KafkaMock.start();
    await runPage("kafka.md", (program) => program.replace("127.0.0.1:9092", mock.brokers[0] ?? ""));
  });
});

describe("docs/nats.md, docs/kafka.md", () => {
  test.each([
    ["nats.md", "nats/sink.ts", "nats/source.ts", "nats/connection.ts", "nats/consumer.ts"],
    ["kafka.md", "kafka/sink.ts", "kafka/source.ts", "kafka/client.ts"],
  ])("%s documents every option", (page, ...sources) => {
    const text = readFileSync(join(repository, "docs", page), "utf8");
    for (const source of sources) {
      const code = readFileSync(join(repository, "src", source), "utf8");
      for (const [, body = ""] of code.matchAll(
        /export interface (?:\w+Options|CreateConsumer)\b[^{]*\{([\s\S]*?)^\}/gm,
      )) {
        for (const [, option = ""] of body.matchAll(/^ {2}readonly (\w+)\??:/gm)) {
          if (option !== "clock")
            expect(text, `${source}: ${option}`).toMatch(new RegExp(`\`(?:create\\.)?${option}\``));
        }
      }
    }
  });
});

#!/usr/bin/env node
import { processIo } from "./io/process-io.js";
import { runCli } from "./run.js";

// Do not wait for pending reads (a terminal's next line, a followed file).
process.exit(await runCli(process.argv.slice(2), processIo()));

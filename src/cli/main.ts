#!/usr/bin/env node
import { processIo } from "./process-io.js";
import { runCli } from "./run.js";

// What still waits (a terminal's next line, a followed file) is of no interest any more.
process.exit(await runCli(process.argv.slice(2), processIo()));

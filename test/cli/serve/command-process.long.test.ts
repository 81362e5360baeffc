// Includes the comparison with tcpdump, which `npm test` skips.
import "./command-process.test.js";

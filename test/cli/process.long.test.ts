// Sends all signals; `npm test` sends a sample.
import "./process.test.js";

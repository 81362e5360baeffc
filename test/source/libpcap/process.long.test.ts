// All ways in which a process ends, of which `npm test` takes a third.
import "./process.test.js";

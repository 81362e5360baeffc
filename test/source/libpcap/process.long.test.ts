// All ways in which a process ends, of which `npm test` samples some.
import "./process.test.js";

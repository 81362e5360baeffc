// All ways in which a process ends, of which `npm test` takes a part.
import "./process.test.js";

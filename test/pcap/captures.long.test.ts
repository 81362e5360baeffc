// All captures, of which `npm test` reads one in 5.
import "./captures.test.js";

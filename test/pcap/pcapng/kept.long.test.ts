// All captures, of which `npm test` reads one in 5.
import "./kept.test.js";

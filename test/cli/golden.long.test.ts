// Runs all lines of flags, of which `npm test` runs one in 8, and more of them as processes.
import "./golden.test.js";

// Runs all cases of the properties; `npm test` runs a sample.
import "./line.test.js";

// Runs all cases of the properties; `npm test` runs a sample.
import "./prefix-set.test.js";

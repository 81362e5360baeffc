// Runs all cases of the properties; `npm test` runs a sample.
import "./address-index.test.js";

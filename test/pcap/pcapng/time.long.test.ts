// All runs of the properties, of which `npm test` makes a tenth.
import "./time.test.js";

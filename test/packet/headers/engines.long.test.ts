// All runs of the properties, of which `npm test` makes a tenth.
import "./engines.test.js";

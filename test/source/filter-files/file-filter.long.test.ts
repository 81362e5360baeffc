// All runs of the property, of which `npm test` makes a part.
import "./file-filter.test.js";

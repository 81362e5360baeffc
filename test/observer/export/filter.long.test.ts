// All runs of the property, of which `npm test` does a twentieth.
import "./filter.test.js";

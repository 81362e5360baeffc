// All runs of the properties, of which `npm test` makes a part.
import "./rotation.property.test.js";

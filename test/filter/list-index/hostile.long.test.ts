// The lists in full length, of which `npm test` makes a part.
import "./hostile.test.js";

// All filters and all cuts, of which `npm test` samples a part.
import "./captures.test.js";

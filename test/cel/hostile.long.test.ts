// All slow expressions, of which `npm test` samples a part.
import "./hostile.test.js";

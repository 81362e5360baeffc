// All filters and packets, of which `npm test` takes a part.
import "./differential.test.js";

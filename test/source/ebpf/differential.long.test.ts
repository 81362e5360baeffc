// All filters and packets, of which `npm test` samples some.
import "./differential.test.js";

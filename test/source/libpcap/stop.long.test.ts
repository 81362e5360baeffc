// All rounds, of which `npm test` makes one in 5.
import "./stop.test.js";

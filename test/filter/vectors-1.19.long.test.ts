// All results, of which `npm test` compares some.
import "./vectors-1.19.test.js";

// More runs of the properties than `npm test` has.
import "./kept-random.test.js";

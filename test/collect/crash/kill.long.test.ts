// A hundred kills, of which `npm test` makes a part.
import "./kill.test.js";

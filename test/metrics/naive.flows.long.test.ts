// All flows, of which `npm test` compares a part.
import "./naive.flows.test.js";

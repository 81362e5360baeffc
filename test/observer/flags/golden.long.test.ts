// All answers, of which `npm test` compares one in 5.
import "./golden.test.js";

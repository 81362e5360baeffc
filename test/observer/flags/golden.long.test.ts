// Compares all recorded results; `npm test` compares one in 5.
import "./golden.test.js";

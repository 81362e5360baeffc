import "./json-line.test.js";

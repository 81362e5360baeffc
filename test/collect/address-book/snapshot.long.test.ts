import "./snapshot.test.js";

import "./address-book.property.test.js";

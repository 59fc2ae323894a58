const report = require('./report.cjs');
const tokenbed = require('tokenbed');

report(tokenbed);

import * as tokenbed from 'tokenbed/inline';
import report from './report.cjs';

report(tokenbed);

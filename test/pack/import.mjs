import * as tokenbed from 'tokenbed';
import report from './report.cjs';

report(tokenbed);

/** One vector in a fresh process: `first-vector.mjs MODEL TEXT`. Prints its sum, and the time of the processor since the start. */

import { StaticModel } from 'tokenbed';

const [, , folder = '', text = ''] = process.argv;
const { data } = (await StaticModel.load(folder)).embed([text]);
const { user, system } = process.cpuUsage();
const sum = data.reduce((total, value) => total + value, 0);
process.stdout.write(JSON.stringify({ sum, cpu: (user + system) / 1000 }));

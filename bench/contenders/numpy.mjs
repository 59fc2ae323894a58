/** numpy, in a separate Python process. bench/peers/with_numpy.py implements it. */

import { openPython } from '../peers/python.mjs';

export const peer = 'numpy';
export const open = () => openPython('numpy');

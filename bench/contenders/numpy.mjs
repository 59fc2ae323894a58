/** numpy, in a Python process of its own: what it does stands in bench/peers/with_numpy.py. */

import { openPython } from '../peers/python.mjs';

export const peer = 'numpy';
export const open = () => openPython('numpy');

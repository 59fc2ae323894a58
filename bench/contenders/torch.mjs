/** torch, in a Python process of its own: what it does stands in bench/peers/with_torch.py. */

import { openPython } from '../peers/python.mjs';

export const peer = 'torch';
export const open = () => openPython('torch');

/** torch, in a separate Python process. bench/peers/with_torch.py implements it. */

import { openPython } from '../peers/python.mjs';

export const peer = 'torch';
export const open = () => openPython('torch');

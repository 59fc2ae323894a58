/** ONNX Runtime, in a Python process of its own: what it does stands in bench/peers/with_onnxruntime.py. */

import { gatherModel } from '../peers/onnx.mjs';
import { openPython } from '../peers/python.mjs';
import { shapeOf } from './job.mjs';

export const peer = 'ort-python';
export const open = () => openPython('onnxruntime', (job) => ({ model: [...gatherModel(shapeOf(job))] }));

/** ONNX Runtime, in a separate Python process. bench/peers/with_onnxruntime.py implements it. */

import { gatherModel } from '../peers/onnx.mjs';
import { openPython } from '../peers/python.mjs';
import { shapeOf } from './job.mjs';

export const peer = 'ort-python';
export const open = () => openPython('onnxruntime', (job) => ({ model: [...gatherModel(shapeOf(job))] }));

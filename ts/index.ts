/**
 * tokenbed: token ids to vectors at the speed of the memory.
 *
 * The public names; what each means is said where it is written.
 */

export {
  type BackendInfo,
  backendInfo,
  init,
  type InitOptions,
  initSync,
  type WasmSource,
} from './backend/index.js';
export type { DType } from './dtype.js';
export { Embedding, type EmbeddingOptions, type IdsOptions, type MemoryUsage } from './embedding.js';
export {
  type BagCallOptions,
  type BagMode,
  type BagOptions,
  EmbeddingBag,
  type EmbeddingBagOptions,
} from './embedding-bag.js';
export {
  EmbeddingLayer,
  type EmbeddingLayerOptions,
  type EmbeddingLayerParts,
  type Positional,
} from './embedding-layer.js';
export type { EncodingReport } from './encoding-report.js';
export type { ErrorCode, TokenbedError } from './errors.js';
export type { IdsInput } from './ids.js';
export type { InitType } from './initializer.js';
export {
  LearnedPositionalEmbedding,
  type LearnedPositionalEmbeddingOptions,
} from './learned-positional-embedding.js';
export { Parameter } from './parameter.js';
export {
  PositionalEncoding,
  type PositionalEncodingOptions,
  type VisualizeOptions,
} from './positional-encoding.js';
export type { PositionOptions } from './positions.js';
export type { OnProfilerProgress, ProfilerProgress } from './profiler/measuring.js';
export {
  EmbeddingProfiler,
  type EmbeddingProfilerOptions,
  type LookupPerformanceOptions,
  type MemoryScalingOptions,
  type PositionalComparisonOptions,
} from './profiler/profiler.js';
export type {
  AccessPattern,
  LookupResult,
  MemoryScalingResult,
  PositionalResult,
  PositionalResults,
  ProfilerResults,
} from './profiler/results.js';
export {
  analyzeEmbeddingSystemDesign,
  type DesignTradeoff,
  type ModelConfiguration,
  type SystemDesign,
  type SystemDesignOptions,
} from './profiler/system-design.js';
export { Tensor } from './tensor.js';
export { BPETokenizer, CharTokenizer, type Tokenizer } from './tokenizer/index.js';

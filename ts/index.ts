/**
 * tokenbed: token ids to vectors at memory bandwidth.
 *
 * @module tokenbed
 */

export {
  type BackendInfo,
  backendInfo,
  init,
  type InitOptions,
  initSync,
  type WasmSource,
} from './backend/index.js';
export type { IdArray, WideArray as WideIdArray } from './args/arrays.js';
export type { DType, DTypeArrays } from './dtype.js';
export type { IdsOptions, PositionBackwardOptions, PositionOptions } from './args/call.js';
export type { FloatsWithShape, Out as FloatsOut } from './args/floats.js';
export {
  type BackwardOptions,
  Embedding,
  type EmbeddingOptions,
  type MemoryUsage,
  type PretrainedOptions,
} from './embedding.js';
export {
  type BagBackwardOptions,
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
export type { ResponseCache } from './files/cache.js';
export type { FileFormat } from './files/header.js';
export { type FileInfo, inspect, type TensorInfo } from './files/inspect.js';
export type { LoadOptions, LoadSyncOptions } from './files/load.js';
export type { LoadSignal } from './files/steps.js';
export type { LoadProgress, OnLoadProgress } from './files/monitor.js';
export type { SaveFormat, SaveOptions } from './files/save.js';
export type { BlobLike, ResponseLike, Source, StreamLike, SyncSource, UrlLike } from './files/source.js';
export type { IdsInput, NestedIds } from './args/ids.js';
export type { InitType } from './initializer.js';
export {
  LearnedPositionalEmbedding,
  type LearnedPositionalEmbeddingOptions,
} from './learned-positional-embedding.js';
export {
  binaryCrossEntropy,
  type BinaryCrossEntropyOptions,
  crossEntropy,
  type CrossEntropyOptions,
  type Loss,
  type LossOptions,
  meanSquaredError,
  type Reduction,
} from './losses.js';
export { type Metric, type NearestOptions, type NearestRows, similarity } from './nearest.js';
export { Gradient } from './gradient.js';
export { NegativeSampler, type NegativeSamplerOptions } from './negative-sampler.js';
export { type FloatsInput, Parameter } from './parameter.js';
export { Adagrad, type AdagradOptions, RowwiseAdagrad } from './optimizers/adagrad.js';
export { Adam, type AdamOptions, AdamW } from './optimizers/adam.js';
export { clipGradNorm } from './optimizers/clip.js';
export type {
  FromBytesOptions,
  Optimizer,
  OptimizerOptions,
  OptimizerState,
} from './optimizers/optimizer.js';
export type { ScoreBackwardOptions, ScoreOptions } from './scores.js';
export { SGD, type SGDOptions } from './optimizers/sgd.js';
export {
  type Layout,
  PositionalEncoding,
  type PositionalEncodingOptions,
  type VisualizeOptions,
} from './positional-encoding.js';
export { type RotaryCallOptions, RotaryEncoding, type RotaryEncodingOptions } from './rotary-encoding.js';
export type { PretrainedWeight } from './args/pretrained.js';
export type { OnProfilerProgress, ProfilerProgress } from './profiler/measuring.js';
export {
  EmbeddingProfiler,
  type EmbeddingProfilerOptions,
  type LookupPerformanceOptions,
  type MemoryScalingOptions,
  type PositionalComparisonOptions,
  type ProfilerJSON,
} from './profiler/profiler.js';
export type {
  AccessPattern,
  LookupResult,
  MachineInfo,
  MemoryScalingResult,
  PositionalResult,
  PositionalResults,
  ProfilerReport,
  ProfilerResults,
  ProfilerSettings,
} from './profiler/results.js';
export {
  analyzeEmbeddingSystemDesign,
  type DesignTradeoff,
  type ModelConfiguration,
  type OptimizerStateMb,
  type SystemDesign,
  type SystemDesignOptions,
} from './profiler/system-design.js';
export {
  type EmbedOptions,
  type EmbedProgress,
  type EmbedStreamOptions,
  StaticModel,
} from './static-model/static-model.js';
export type { StaticModelFiles } from './static-model/files.js';
export type { StaticModelCompat, StaticModelOptions, TokenizerFunction } from './static-model/load.js';
export type { BlockDType, StorageDType } from './table-spec.js';
export {
  type Nested,
  type NestedInput,
  type NestedNumbers,
  type NestedOf,
  Tensor,
  type TensorFromNumbersOptions,
  type TensorJSON,
  type TensorOptions,
} from './tensor.js';
export { BPETokenizer, CharTokenizer, type Tokenizer } from './tokenizer/index.js';

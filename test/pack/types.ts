/** A user's program in strict mode. It is only compiled, against the published types. */

import {
  analyzeEmbeddingSystemDesign,
  backendInfo,
  BPETokenizer,
  CharTokenizer,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  EmbeddingProfiler,
  init,
  initSync,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  StaticModel,
  Tensor,
} from 'tokenbed';
import { config, folder, model, tokenizer as tokenizerOfModel } from '@tokenbed/minilm-static';
import { init as initText, PretrainedTokenizer } from 'tokenbed/text';
import { CharTokenizer as SameTokenizer } from 'tokenbed/tokenizer';
import type {
  BackendInfo,
  BlockDType,
  DType,
  LookupResult,
  Parameter,
  PretrainedOptions,
  ProfilerResults,
  StorageDType,
  Tokenizer,
} from 'tokenbed';

export async function everything(wasm: Uint8Array): Promise<number> {
  const info: BackendInfo = await init({ backend: 'auto' });
  const again: BackendInfo = initSync({ wasm });
  const reason: string | null = backendInfo().fallbackReason ?? info.fallbackReason ?? again.fallbackReason;

  const tokenizer: Tokenizer = new CharTokenizer();
  const same: Tokenizer = new SameTokenizer({ alphabet: 'abc' });
  const bytes = new BPETokenizer({ vocabSize: 300, mode: 'bytes' }).train(['a text']);
  const ids: number[] = tokenizer.encode('Hi!', { addSpecialTokens: false });

  await initText({ wasm });
  const loading: Promise<PretrainedTokenizer> = PretrainedTokenizer.load(wasm, { memo: 0, sha256: '' });
  using pretrained: PretrainedTokenizer & Tokenizer = await loading;
  const batch: Uint32Array = pretrained.encodeBatch(['a text']).offsets;
  const token: string | null = pretrained.idToToken(pretrained.unkId ?? 0);

  using minilm = await StaticModel.load({ model, tokenizer: tokenizerOfModel, config }, { dim: 64 });
  const vectors: Tensor = (await StaticModel.load(folder)).embed(['a text', minilm.compat]);

  using embedding = new Embedding({
    vocabSize: tokenizer.vocabSize,
    embeddingDim: 8,
    seed: 7n,
    paddingIdx: null,
  });
  const weight: Parameter = embedding.weight;
  const row: Float32Array = weight.row(1);
  const rows: Tensor = embedding.forward([ids, ids], {});
  const dtype: DType = rows.dtype;
  const into: Float32Array = embedding.forwardInto(ids, new Float32Array(8 * ids.length));
  const table = Embedding.fromPretrained([[1, 2]], { paddingIdx: -1 });
  const options: PretrainedOptions = { dtype: 'f16', embeddingDim: 2 };
  const half = Embedding.fromPretrained(new Float32Array(4), options).convert('i8');
  const storage: StorageDType | BlockDType = half.dtype;
  const stored: StorageDType | BlockDType = new EmbeddingBag({ vocabSize: 3, embeddingDim: 4, dtype: 'i4' })
    .dtype;

  const bag = EmbeddingBag.from(embedding, { mode: 'sum' });
  const bags = bag.forward(new Int32Array(4), { offsets: [0, 2], perSampleWeights: new Float32Array(4) });
  const sinusoid = new PositionalEncoding({ embeddingDim: 8, layout: 'halves' });
  const learned = new LearnedPositionalEmbedding({ maxSeqLength: 16, embeddingDim: 8, std: 0.02 });
  const layer = new EmbeddingLayer({ token: embedding, positional: learned, scale: true });
  const encoded = sinusoid.encode([0, 1, 2 ** 32 - 1]);
  const result = layer.train().eval().forward(ids, { startPos: 1 });
  const own = Tensor.allocate([3, 8]);

  const profiler = new EmbeddingProfiler({ print: null, onProgress: ({ done, total }) => done / total });
  const lookups: Record<string, LookupResult> = profiler.measureLookupPerformance({
    embedding,
    batchSizes: [1],
    seqLengths: [2],
    pattern: 'zipf',
  });
  const results: ProfilerResults = profiler.results;
  const time: number | null = results.memoryScaling['vocab_500_dim_64']?.lookupTimeMs ?? null;
  const { text, configurations } = analyzeEmbeddingSystemDesign({ print: (line) => line });

  // @ts-expect-error: an unknown pattern
  profiler.measureLookupPerformance({ embedding, batchSizes: [1], seqLengths: [1], pattern: 'random' });
  // @ts-expect-error: an unknown option
  new Embedding({ vocabSize: 3, embeddingDim: 4, paddingIndex: 0 });
  // @ts-expect-error: tables of blocks come from files
  new Embedding({ vocabSize: 3, embeddingDim: 4, dtype: 'q4_0' });
  // @ts-expect-error: a dtype is required
  embedding.convert();
  // @ts-expect-error: an unknown mode
  new EmbeddingBag({ vocabSize: 3, embeddingDim: 4, mode: 'median' });

  const sizes = [
    row.length,
    vectors.data.length,
    into.length,
    bags.size,
    encoded.size,
    result.size,
    own.size,
    table.vocabSize,
    batch.length + (token?.length ?? 0),
    lookups['batch_1_seq_2']!.iterations + (time ?? 0),
    text.length + configurations[0]!.memoryMb,
  ];
  return sizes.reduce(
    (a, b) => a + b,
    same.vocabSize + bytes.vocabSize + dtype.length + storage.length + stored.length + (reason?.length ?? 0),
  );
}

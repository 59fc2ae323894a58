import { CharTokenizer, Embedding, PositionalEncoding } from 'tokenbed';

// Create tokenizer and embedding layer
const tokenizer = new CharTokenizer();
const embedding = new Embedding({ vocabSize: tokenizer.vocabSize, embeddingDim: 256 });

// Add positional encoding
const posEncoding = new PositionalEncoding({ embeddingDim: 256, maxSeqLength: 512 });

// Process text through the complete pipeline
const tokens = tokenizer.encode('Hello world!');
const embeddings = embedding.forward(tokens);
const posEmbeddings = posEncoding.forward(embeddings);

console.log(tokens.length, embeddings.shape, posEmbeddings.shape);

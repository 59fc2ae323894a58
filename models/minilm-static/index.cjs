/** The same as index.js, for `require`. */

const { pathToFileURL } = require('node:url');

const folder = new URL('.', pathToFileURL(__filename));

module.exports = {
  model: new URL('model.safetensors', folder),
  tokenizer: new URL('tokenizer.json', folder),
  config: new URL('config.json', folder),
  folder,
};

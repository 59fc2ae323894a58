/** The URLs of the files of the model. Bundlers copy a file that is named like this, and put in its new URL. */

export const model = new URL('./model.safetensors', import.meta.url);
export const tokenizer = new URL('./tokenizer.json', import.meta.url);
export const config = new URL('./config.json', import.meta.url);

/** The folder of the three files, where no bundler has moved them. */
export const folder = new URL('.', model);

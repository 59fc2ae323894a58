/** A URL, without the types of a browser or of Node. */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
  toString(): string;
}

/** `model.safetensors`: the table as i4, 3.9 MB. */
export const model: FileUrl;
/** `tokenizer.json`, 0.45 MB. */
export const tokenizer: FileUrl;
/** `config.json`. */
export const config: FileUrl;
/** The folder of the three files, with a slash at its end, for `StaticModel.load(folder)` in Node. */
export const folder: FileUrl;

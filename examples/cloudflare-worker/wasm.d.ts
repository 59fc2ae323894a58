/** What the host makes of a WASM file among a worker's modules. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

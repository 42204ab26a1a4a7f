/* What executes ONNX: onnxruntime-web, WebAssembly with SIMD, one thread.

   The build is the smallest that has all operators of our networks. Its WebGPU build is twice as large, and a picture of
   these sizes is decoded in less time than a graphics processor takes to give it back. */

let loaded = null;

/* folder: of `ort.wasm.bundle.min.mjs` and `ort-wasm-simd-threaded.wasm`. Fetched once in a page. */
export function load(folder) {
  const base = new URL(folder.endsWith("/") ? folder : `${folder}/`, globalThis.location?.href);
  loaded ??= (async () => {
    const ort = await import(new URL("ort.wasm.bundle.min.mjs", base).href);
    ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", base).href };
    return settled(ort);
  })();
  loaded.catch(() => (loaded = null));
  return loaded;
}

/* The same of files that are here already: bytes of both. */
export function loadFrom(script, wasm) {
  loaded ??= (async () => {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const ort = await import(address);
    URL.revokeObjectURL(address);
    ort.env.wasm.wasmBinary = wasm;
    return settled(ort);
  })();
  loaded.catch(() => (loaded = null));
  return loaded;
}

function settled(ort) {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}

# Configuration of `workerd serve`: the bundle, and core.wasm as a compiled module under its import name.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "*:8787", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-07-01",
  modules = [
    (name = "worker", esModule = embed "dist/worker.js"),
    (name = "tokenbed/core.wasm", wasm = embed "node_modules/tokenbed/dist/core.wasm"),
  ],
);

import { StaticModel, init, backendInfo } from '/work/wt-V/dist/index.mjs';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';
process.on('unhandledRejection', (e) => console.log('UNHANDLED', e));
process.on('warning', (w) => console.log('WARN', w.message));
const M = '/work/main/models/minilm-static';
let sockets = new Set();
let mode = 'plain';
let reqs = 0;
const s = http.createServer((q, r) => {
  reqs++;
  const p = M + q.url.replace(/^\/r/, '');
  if (q.url.startsWith('/r/') && mode === 'redirect') {
    r.writeHead(302, { location: q.url.slice(2) }).end();
    return;
  }
  if (!fs.existsSync(p) || !fs.statSync(p).isFile()) {
    r.writeHead(404).end('no');
    return;
  }
  const b = fs.readFileSync(p);
  if (mode === 'gzip') {
    const z = zlib.gzipSync(b, { level: 1 });
    r.writeHead(200, { 'content-encoding': 'gzip', 'content-length': z.length });
    r.end(z);
  } else if (mode === 'slow') {
    r.writeHead(200, { 'content-length': b.length });
    let at = 0;
    const t = setInterval(() => {
      if (at >= b.length || r.destroyed) {
        clearInterval(t);
        r.end();
        return;
      }
      r.write(b.subarray(at, (at += 200000)));
    }, 2);
  } else if (mode === 'chunked') {
    r.writeHead(200);
    r.end(b);
  } else if (mode === 'lie') {
    r.writeHead(200, { 'content-length': b.length + 5 });
    r.write(b);
    setTimeout(() => r.destroy(), 20);
  } else {
    r.writeHead(200, { 'content-length': b.length });
    r.end(b);
  }
});
s.on('connection', (c) => {
  sockets.add(c);
  c.on('close', () => sockets.delete(c));
});
await new Promise((r) => s.listen(0, r));
const U = (p) => new URL(`http://127.0.0.1:${s.address().port}${p}`);
const ta = async (name, f) => {
  try {
    const r = await f();
    console.log(name, '->', r);
  } catch (e) {
    console.log(name, '!!', e?.constructor?.name, e?.code, e?.message?.slice(0, 200));
  }
};
for (mode of ['plain', 'gzip', 'chunked', 'slow', 'lie']) {
  const seen = [];
  await ta(mode, async () => {
    const m = await StaticModel.load(U('/'), {
      onProgress(p) {
        seen.push([p.loaded, p.total]);
      },
    });
    const v = m.embed(['hello']).data[0];
    m.dispose();
    const mono = seen.every((x, i) => !i || x[0] >= seen[i - 1][0]);
    return [v, seen.length, seen.at(-1), mono, seen[0]];
  });
}
mode = 'redirect';
await ta('redirect', async () => {
  const m = await StaticModel.load(U('/r/'));
  m.dispose();
  return 'ok';
});
const C = '/tmp/V/hc';
fs.rmSync(C, { recursive: true, force: true });
mode = 'slow';
await ta('concurrent cached', async () => {
  const ms = await Promise.all(Array.from({ length: 6 }, () => StaticModel.load(U('/'), { cache: C })));
  const x = ms.map((m) => m.embed(['hello']).data[0]);
  ms.forEach((m) => m.dispose());
  const n = reqs;
  const m = await StaticModel.load(U('/'), { cache: C });
  m.dispose();
  return [new Set(x).size, fs.readdirSync(C), reqs - n];
});
fs.rmSync(C, { recursive: true, force: true });
let outcomes = {};
for (let i = 0; i < 40; i++) {
  const c = new AbortController();
  setTimeout(() => c.abort(new Error('ab')), i * 2);
  const r = await StaticModel.load(U('/'), { cache: C, signal: c.signal }).then(
    (m) => {
      m.dispose();
      return 'ok';
    },
    (e) => e.message,
  );
  outcomes[r] = (outcomes[r] ?? 0) + 1;
  if (r !== 'ok') {
    const left = fs.existsSync(C) ? fs.readdirSync(C) : [];
    const bad = left.filter((f) => f.includes('tmp'));
    if (bad.length) console.log('left', i, bad);
  } else fs.rmSync(C, { recursive: true, force: true });
}
await new Promise((r) => setTimeout(r, 300));
console.log(outcomes, 'sockets', sockets.size, 'fds', fs.readdirSync('/proc/self/fd').length);
// missing pieces in url folder with stream of ST etc.
fs.rmSync(C, { recursive: true, force: true });
s.close();
s.closeAllConnections();
